// 中文词：知识库、运价、报价、资料设置、会话。
export default {
};
