// Words in English: routing on the spot, history, wallboard, alerts, recordings.
export default {
  'nav.history': 'History', 'nav.more': 'More',
};
