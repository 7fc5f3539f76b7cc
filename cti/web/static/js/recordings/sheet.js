// The score sheet of a call: one a scorer, by the criteria of the site's form.
import { html, useSignal } from '../lib.js';
import { Foreign } from '../ui/marks.js';
import { t, pick } from '../i18n.js';
import { call, part } from '../api.js';
import { clean, percent } from '../format.js';
import { me } from '../session.js';
import { toast, whyNot } from '../toast.js';

export function Sheet({ id, told }) {
  const own = told.scores.find((s) => s.by === me.value?.user);
  const fits = own && own.form === told.form.version;
  const points = useSignal(fits ? own.points : {});
  const remark = useSignal(own?.remark ?? '');
  const saved = useSignal(own ?? null);
  const may = (me.value?.rights ?? []).includes('scores');
  const others = told.scores.filter((s) => s.by !== me.value?.user);
  const { criteria } = told.form;
  const done = criteria.every((c) => points.value[c.key] !== undefined);
  const save = async () => {
    const answer = await call('PUT', `/calls/${part(id)}/score`, { form: told.form.version, points: points.value, remark: remark.value.trim() });
    if (!answer.ok) {
      toast(whyNot(answer), { bad: true });
      return;
    }
    saved.value = answer.body.score;
    toast(t('score.saved', { p: percent(answer.body.score.share) }));
  };
  if (!criteria.length) return null;
  return html`<section class="sheet">
    <h3>${clean(pick(told.form.title, told.form.title_en), 60) || t('score.title')} ${saved.value ? html`<b class="num">${percent(saved.value.share)}</b>` : null}</h3>
    ${criteria.map((c) => html`<div key=${c.key} class="crit">
      <span class="cut">${clean(pick(c.label, c.label_en), 60)}</span>
      <span class="seg small num" role="radiogroup" aria-label=${clean(pick(c.label, c.label_en), 60)}>
        ${Array.from({ length: c.max + 1 }, (_, n) => html`<button
          key=${n}
          type="button"
          role="radio"
          disabled=${!may}
          aria-checked=${points.value[c.key] === n}
          class=${points.value[c.key] === n ? 'on' : ''}
          onClick=${() => {
            points.value = { ...points.value, [c.key]: n };
          }}
        >${n}</button>`)}
      </span>
    </div>`)}
    ${may ? html`
      <textarea
        class="field area"
        rows="2"
        maxlength="500"
        placeholder=${t('score.remark')}
        value=${remark.value}
        onInput=${(e) => {
          remark.value = e.currentTarget.value;
        }}
      ></textarea>
      <p><button type="button" class="btn" disabled=${!done} onClick=${save}>${t('score.save')}</button> ${done ? '' : html`<span class="mut">${t('score.all')}</span>`}</p>
    ` : null}
    ${others.map((s) => html`<p key=${s.by} class="mut num">
      <${Foreign} text=${s.by} limit=${16} /> ${percent(s.share)}
      ${s.remark ? html` · <${Foreign} text=${s.remark} limit=${120} />` : null}
    </p>`)}
  </section>`;
}
