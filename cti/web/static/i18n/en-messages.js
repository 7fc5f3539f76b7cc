// Words in English: text messages.
export default {
  'nav.messages': 'Texts',
};
