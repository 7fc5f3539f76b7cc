// 中文词：现场调度、历史、大屏、提醒、录音。
export default {
  'nav.history': '历史', 'nav.more': '更多',
};
