// 中文词：短信。
export default {
  'nav.messages': '短信',
};
