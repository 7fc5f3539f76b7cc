// What there was with a customer: quotes, business, chats; new quotes and business are written here as on the desk.
import { html, useSignal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Foreign } from '../ui/marks.js';
import { t } from '../i18n.js';
import { clean, toEpoch } from '../format.js';
import { minute } from '../session.js';
import { when } from '../ui/words.js';
import { may } from '../ui/page.js';
import { customers } from '../api-customers.js';
import { whyNot } from '../toast.js';
import { draftAt } from '../unsaved.js';
import { BusinessForm, BusinessTable } from '../trade/business.js';
import { QuoteTable, sortQuotes } from '../trade/quotetable.js';
import { OfferForm, openOffer } from '../trade/offerform.js';

const TABS = ['quotes', 'business', 'chats'];
const ICON = { quotes: 'tag', business: 'ship', chats: 'chat' };

const Chats = ({ rows }) => html`<ul class="log num chat-log">
  ${rows.map((m) => html`<li key=${m.id}>
    <${Icon} n=${m.direction === 'in' ? 'in' : 'out'} />
    <time>${when(m.at, minute.value)}</time>
    <bdi class=${m.direction === 'in' && m.answered === false ? 'strong' : ''}>${clean(m.text || `[${m.kind}]`, 500)}</bdi>
    <span class="end mut">
      <${Foreign} text=${m.sender} limit=${10} />
    </span>
  </li>`)}
</ul>`;

export function Records({ id }) {
  const tab = useSignal('quotes');
  const read = useSignal({}); // tab -> {rows, total} or {why}
  const draft = draftAt(`party/${id}/drafts`);
  const load = async (which) => {
    const answer = await customers[which](id);
    const body = answer.body;
    read.value = {
      ...read.value,
      [which]: answer.ok ? { rows: body.quotes ?? body.records ?? body.messages, total: body.total } : { why: whyNot(answer) },
    };
  };
  useEffect(() => {
    for (const which of TABS) load(which);
  }, [id]);
  const which = tab.value;
  const here = read.value[which];
  const offering = which === 'quotes' && draft.values.value.quote !== undefined;
  const writing = which === 'business' && draft.values.value.business !== undefined;
  const mayEdit = may('edit');
  const rows = here?.rows ?? [];
  const often = {};
  for (const r of [...(read.value.quotes?.rows ?? []), ...(read.value.business?.rows ?? [])])
    for (const port of [r.pol, r.pod]) if (port) often[port] = (often[port] ?? 0) + 1;
  const open = () => {
    if (which === 'quotes') openOffer(draft);
    else draft.set('business', {});
  };
  const empty = { quotes: t('quote.empty'), business: t('biz.empty'), chats: t('chat.empty') }[which];
  return html`<${Panel}
    icon=${ICON[which]}
    title=${t('cust.records')}
    class="cust-records"
    tools=${
      html`
        <span class="seg small" role="tablist">
          ${TABS.map((x) => html`<button
            type="button"
            key=${x}
            role="tab"
            aria-selected=${x === which}
            class=${x === which ? 'on' : ''}
            onClick=${() => {
              tab.value = x;
            }}
          >
            ${t(`cust.${x}`)} <span class="num">${read.value[x]?.total ?? ''}</span>
          </button>`)}
        </span>
        ${mayEdit && which !== 'chats' && !offering && !writing ? html`<button type="button" class="btn s" onClick=${open}>
          <${Icon} n="plus" /> ${t(which === 'quotes' ? 'offer.new' : 'biz.new')}
        </button>` : null}
      `
    }
  >
    ${offering ? html`<${OfferForm} draft=${draft} party=${id} often=${often} onSaved=${() => load('quotes')} />` : null}
    ${writing ? html`<${BusinessForm} draft=${draft} party=${id} last=${rows[0]} onSaved=${() => load('business')} />` : null}
    ${offering || writing ? null : html`<div class="scroll work">
      ${!here ? html`<${Loading} lines=${6} />` : null}
      ${here && (here.why || rows.length === 0) ? html`<p class="say">${here.why ?? empty}</p>` : null}
      ${rows.length && which === 'quotes' ? html`<${QuoteTable}
        rows=${sortQuotes(rows)}
        party=${id}
        draft=${draft}
        mayEdit=${mayEdit}
        now=${minute.value}
        onChanged=${() => load('quotes')}
      />` : null}
      ${rows.length && which === 'business' ? html`<${BusinessTable} rows=${[...rows].sort((a, b) => (toEpoch(b.at) ?? 0) - (toEpoch(a.at) ?? 0))} now=${minute.value} />` : null}
      ${rows.length && which === 'chats' ? html`<${Chats} rows=${rows} />` : null}
    </div>`}
  </${Panel}>`;
}
