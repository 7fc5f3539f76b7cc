// 中文词：知识库、运价、报价、资料设置、会话。
export default {
  'nav.customers': '客户', 'nav.conversations': '会话', 'nav.knowledge': '知识库', 'nav.prices': '运价', 'nav.toDesk': '去工作台接听',
  'stale.page': '可以继续读写，保存要等恢复之后。',
};
