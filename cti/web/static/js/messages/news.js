// A customer's message that has just come: said at the foot of the page, wherever one is.
import { t } from '../i18n.js';
import { clean } from '../format.js';
import { toast } from '../toast.js';
import { spoken } from '../ui/top.js';

/** Hear the push frames of text messages. */
export function heardMessage(frame) {
  if (frame.type !== 'sms' || !frame.incoming) return;
  const { message, name, company } = frame.incoming;
  const who = clean(name || company || message.number || '', 16) || t('sms.them');
  const text = t('sms.came', { who, text: clean(message.text, 40) });
  toast(text);
  spoken.value = { ...spoken.value, quiet: text };
}
