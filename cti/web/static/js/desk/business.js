// 业务记录: what was shipped, or the form of a new record in its place.
import { html } from '../lib.js';
import { Panel, SectionBody, SectionFlag, sectionMeta } from '../ui/panel.js';
import { Icon } from '../ui/marks.js';
import { t } from '../i18n.js';
import { toEpoch } from '../format.js';
import { me, minute } from '../session.js';
import { draftOf } from '../drafts.js';
import { BusinessForm, BusinessTable, underWay } from '../trade/business.js';

export function BusinessPanel({ pop, section }) {
  const now = minute.value;
  const draft = draftOf(pop);
  const writing = draft.values.value.business !== undefined;
  const mayAdd = pop.party && (me.value?.rights ?? []).includes('edit');
  const rows = [...section.items].sort((a, b) => (toEpoch(b.at) ?? 0) - (toEpoch(a.at) ?? 0));
  const live = rows.filter((r) => underWay(r, now)).length;
  const meta = writing
    ? t('biz.newSay')
    : sectionMeta(section, () => (section.total ? t('biz.count', { n: section.total, live }) : ''));
  const open = () => {
    draft.set('business', {});
    requestAnimationFrame(() => document.querySelector('.biz-form input')?.focus());
  };
  const tools = html`
    <${SectionFlag} section=${section} pop=${pop} />
    ${mayAdd && !writing ? html`<button type="button" class="btn s" onClick=${open}>
      <${Icon} n="plus" />
      ${t('biz.new')}
    </button>` : null}
  `;
  return html`<${Panel} id="sec-business" icon="ship" title=${t('sec.business')} meta=${meta} k="2" class="grow1" tools=${tools}>
    ${writing && pop.party ? html`<${BusinessForm} key=${pop.id} draft=${draft} party=${pop.party.id} last=${rows[0]} />` : html`<div class="scroll">
      <${SectionBody}
        section=${section}
        lines=${4}
        empty=${
          mayAdd ? html`
            ${t('biz.empty')}${' '}
            <button type="button" class="link" onClick=${open}>
              ${t('biz.first')}
            </button>
          ` : (
            t('biz.empty')
          )
        }
      >
        <${BusinessTable} rows=${rows} now=${now} />
      </${SectionBody}>
    </div>`}
  </${Panel}>`;
}
