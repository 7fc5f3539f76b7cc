// Words in English: text messages.
export default {
};
