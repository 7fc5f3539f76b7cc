// Words in English: knowledge base, prices, quotes, catalogue, conversations.
export default {
};
