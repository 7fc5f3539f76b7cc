// When a message goes out by itself: a missed call, a quote that was sent, an arrival.
import { html, signal, useSignal, useEffect } from '../lib.js';
import { Panel, Loading } from '../ui/panel.js';
import { Icon, Tag } from '../ui/marks.js';
import { Choice, Text } from '../ui/field.js';
import { t, pick } from '../i18n.js';
import { clean } from '../format.js';
import { may } from '../ui/page.js';
import { messages } from '../api-messages.js';
import { toast, whyNot } from '../toast.js';
import { typed, keep } from '../unsaved.js';

const ICON = { missed: 'miss', quote: 'tag', arrival: 'ship' };
const rules = signal(null);
const templates = signal([]);

async function read() {
  const [answer, texts] = await Promise.all([messages.rules(), messages.templates()]);
  rules.value = answer.ok ? answer.body : { rules: [], why: whyNot(answer) };
  if (texts.ok) templates.value = texts.body.templates;
}

const minutes = (seconds) => String(Math.round((seconds ?? 0) / 60));
const whole = (text) => (/^\d{1,4}$/.test(String(text).trim()) ? Number(text) : null);

function Rule({ rule }) {
  const place = `rule/${rule.trigger}`;
  const values = {
    enabled: rule.enabled,
    template: rule.template,
    queues: rule.queues.join(' '),
    min_wait: String(rule.min_wait_s),
    delay: minutes(rule.delay_s),
    promise: minutes(rule.promise_s),
    ...(typed(place) ?? {}),
  };
  const changed = typed(place) !== undefined;
  const said = useSignal('');
  const busy = useSignal(false);
  const mayEdit = may('messages');
  const set = (more) => {
    said.value = '';
    keep(place, { ...(typed(place) ?? {}), ...more });
  };
  const missed = rule.trigger === 'missed';
  const save = async () => {
    const [wait, delay, promise] = [whole(values.min_wait), whole(values.delay), whole(values.promise)];
    if (wait === null || delay === null || promise === null) {
      said.value = t('offer.wrong');
      return;
    }
    busy.value = true;
    const answer = await messages.saveRule(rule.trigger, {
      enabled: values.enabled,
      template: values.template,
      queues: values.queues.split(/[\s,，、]+/).filter(Boolean),
      min_wait_s: wait,
      delay_s: delay * 60,
      promise_s: promise * 60,
      version: rule.version,
    });
    busy.value = false;
    if (answer.ok) {
      keep(place, undefined);
      toast(t('msg.ruleSaved'));
      read();
    } else if (answer.status === 409) {
      said.value = t('cat.clash');
      read();
    } else
      said.value = answer.body?.problems?.map((p) => clean(pick(p.text, p.text_en), 80)).join(t('comma')) || whyNot(answer);
  };
  const text = templates.value.find((x) => x.id === values.template)?.text;
  return html`<${Panel}
    icon=${ICON[rule.trigger]}
    title=${t(`msg.rule.${rule.trigger}`)}
    meta=${t(`msg.rule.${rule.trigger}.say`)}
    class="rule"
    tools=${
      html`
        ${changed ? html`<${Tag} kind="warn">${t('left.unsaved')}</${Tag}>` : null}
        <label class="check">
          <input
            type="checkbox"
            role="switch"
            disabled=${!mayEdit}
            checked=${values.enabled}
            onChange=${(e) => set({ enabled: e.currentTarget.checked })}
          />${' '}
          ${t(values.enabled ? 'msg.on' : 'msg.off')}
        </label>
      `
    }
  >
    <fieldset class="form six" disabled=${!mayEdit}>
      <${Choice}
        label=${t('msg.template')}
        name=${`template-${rule.trigger}`}
        value=${values.template}
        options=${templates.value.filter((x) => x.enabled || x.id === values.template).map((x) => [x.id, clean(x.name, 24)])}
        onInput=${(x) => set({ template: x })}
      />
      ${missed ? html`
        <${Text}
          label=${t('msg.queues')}
          name="queues"
          max=${200}
          value=${values.queues}
          placeholder=${t('msg.everyQueue')}
          onInput=${(x) => set({ queues: x })}
        />
        <${Text}
          label=${t('msg.minWait')}
          name="min_wait"
          numeric
          max=${4}
          value=${values.min_wait}
          onInput=${(x) => set({ min_wait: x })}
        />
      ` : null}
      <${Text} label=${t('msg.delay')} name="delay" numeric max=${4} value=${values.delay} onInput=${(x) => set({ delay: x })} />
      ${missed ? html`<${Text}
        label=${t('msg.promise')}
        name="promise"
        numeric
        max=${4}
        value=${values.promise}
        hint=${values.promise === '0' ? t('msg.noPromise') : undefined}
        onInput=${(x) => set({ promise: x })}
      />` : null}
    </fieldset>
    <p class="rule-text">
      ${text ? html`
        <${Icon} n="msg" /> <bdi>${clean(text, 300)}</bdi>
      ` : html`<span class="mut">${t('msg.noTemplateChosen')}</span>`}
    </p>
    ${mayEdit ? html`<div class="form-acts">
      <button type="button" class="btn s primary" disabled=${!changed || busy.value} onClick=${save}>
        ${t('save')}
      </button>
      ${changed ? html`<button
        type="button"
        class="btn s ghost"
        onClick=${() => {
          keep(place, undefined);
          said.value = '';
        }}
      >
        ${t('kb.giveUp')}
      </button>` : null}
      ${said.value ? html`<span class="bad" role="alert">
        ${said.value}
      </span>` : null}
    </div>` : null}
  </${Panel}>`;
}

export function Rules() {
  useEffect(() => {
    read();
  }, []);
  if (rules.value === null)
    return html`<${Panel}>
      <${Loading} lines=${6} />
    </${Panel}>`;
  if (rules.value.why)
    return html`<${Panel}>
      <p class="say center">${rules.value.why}</p>
    </${Panel}>`;
  return html`<div class="rules">
    ${rules.value.rules.map((rule) => html`<${Rule} key=${rule.trigger} rule=${rule} />`)}
  </div>`;
}
