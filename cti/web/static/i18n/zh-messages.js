// 中文词：短信。
export default {
};
