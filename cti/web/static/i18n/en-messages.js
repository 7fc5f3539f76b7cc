// Words in English: text messages.
export default {
  'nav.messages': 'Texts',

  'sms.unsure': 'checking', 'sms.refused.marketing': 'no advertising', 'sms.refused.all': 'opted out', 'sms.byRule': 'by rule', 'sms.parts': '{n} of {of} parts delivered', 'sms.retry': 'Retry', 'sms.retryAnyway': 'Send again', 'sms.maybeOut': 'It may have gone out, this is being checked. Sent again now, the customer may get it twice.', 'sms.draft': 'draft', 'sms.open': 'Write', 'sms.first': 'Send the first', 'sms.fold': 'Fold', 'sms.to': 'To', 'sms.templates': 'Templates', 'sms.allTemplates': 'All templates', 'sms.marketing': 'advertising', 'sms.write': 'Write a text message', 'sms.onlyTemplates': 'This platform sends templates only: choose one', 'sms.signature': 'Signature', 'sms.size': '{n} characters · {s} parts', 'sms.left': '{n} left in this part', 'sms.send': 'Send', 'sms.sending': 'Sending', 'sms.cannot': 'Text messages cannot be sent now', 'sms.value': 'Variable {name}', 'sms.refuse': 'The customer wants no more', 'sms.scope': 'What shall not be sent', 'sms.scope.marketing': 'No advertising', 'sms.scope.all': 'Nothing at all', 'sms.refuseWhy': 'In his words (may be left empty)', 'sms.refusedDone': 'Noted, in effect at once', 'sms.came': 'Text from {who}: {text}',
  'draft.sms': 'text message',
};
