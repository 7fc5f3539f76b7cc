// Words in English: knowledge base, prices, quotes, catalogue, conversations.
export default {
  'nav.customers': 'Customers', 'nav.conversations': 'Chats', 'nav.knowledge': 'Knowledge', 'nav.prices': 'Prices', 'nav.toDesk': 'To the desk',
  'stale.page': 'read and type on; saving waits until it is back.',
};
