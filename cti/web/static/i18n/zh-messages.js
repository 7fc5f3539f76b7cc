// 中文词：短信。
export default {
  'nav.messages': '短信',

  'sms.unsure': '核实中', 'sms.refused.marketing': '拒收推广', 'sms.refused.all': '已退订', 'sms.byRule': '自动', 'sms.parts': '{n}/{of} 段已送达', 'sms.retry': '重发', 'sms.retryAnyway': '仍要重发', 'sms.maybeOut': '这条可能已经发出，正在核实。现在重发，客户可能收到两次。', 'sms.draft': '草稿', 'sms.open': '发短信', 'sms.first': '发第一条', 'sms.fold': '收起', 'sms.to': '发给', 'sms.templates': '模板', 'sms.allTemplates': '全部模板', 'sms.marketing': '推广', 'sms.write': '写短信', 'sms.onlyTemplates': '这个平台只能发模板，请先选模板', 'sms.signature': '签名', 'sms.size': '{n} 字 · {s} 条', 'sms.left': '本条还可写 {n} 字', 'sms.send': '发送', 'sms.sending': '正在发送', 'sms.cannot': '现在不能发短信', 'sms.value': '模板变量 {name}', 'sms.refuse': '客户要求不再发送', 'sms.scope': '不再发送什么', 'sms.scope.marketing': '只拒收推广', 'sms.scope.all': '全部不再发送', 'sms.refuseWhy': '客户怎么说的（可不填）', 'sms.refusedDone': '已记下，立即生效', 'sms.came': '{who} 来短信：{text}',
  'draft.sms': '短信',
};
