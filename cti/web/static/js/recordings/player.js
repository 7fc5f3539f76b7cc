// A recording in the page: asked for when somebody wants to hear it (each listening is noted), with marks on its time line.
import { html, useEffect, useRef, useSignal } from '../lib.js';
import { Icon, Foreign, Tag } from '../ui/marks.js';
import { Segments } from '../ui/field.js';
import { t } from '../i18n.js';
import { call, part } from '../api.js';
import { clean, mmss } from '../format.js';
import { toast, whyNot } from '../toast.js';

const SPEEDS = [1, 1.25, 1.5, 2];
const KINDS = ['good', 'train', 'note'];

const MarkForm = ({ id, at, onAdded }) => {
  const kind = useSignal('train');
  const text = useSignal('');
  const add = async (event) => {
    event.preventDefault();
    const body = { at_s: Math.round(at() * 10) / 10, kind: kind.value, text: text.value.trim() };
    const answer = await call('POST', `/calls/${part(id)}/marks`, body);
    if (!answer.ok) {
      toast(whyNot(answer), { bad: true });
      return;
    }
    text.value = '';
    onAdded(answer.body.mark);
  };
  return html`<form class="mark-form" onSubmit=${add}>
    <${Segments}
      label=${t('rec.kind')}
      name="mark-kind"
      value=${kind.value}
      options=${KINDS.map((k) => [k, t(`rec.kind.${k}`)])}
      onInput=${(k) => {
        kind.value = k;
      }}
    />
    <input
      class="field"
      maxlength="500"
      placeholder=${t('rec.markSay')}
      value=${text.value}
      onInput=${(e) => {
        text.value = e.currentTarget.value;
      }}
    />
    <button class="btn" disabled=${!text.value.trim()}>${t('rec.mark')}</button>
  </form>`;
};

/** One file. `marks` stand on the line; `seek` is a signal that others set to jump there. */
function Player({ id, recording, marks, seek, onAdded }) {
  const audio = useRef(null);
  const url = useSignal(null);
  const busy = useSignal(false);
  const at = useSignal(0);
  const long = useSignal(recording.seconds ?? 0);
  const playing = useSignal(false);
  const speed = useSignal(1);

  const listen = async () => {
    busy.value = true;
    const answer = await call('POST', `/calls/${part(id)}/recordings/${part(recording.id)}/listen`);
    busy.value = false;
    if (answer.ok) url.value = answer.body.url;
    else toast(whyNot(answer), { bad: true });
    return answer.ok;
  };
  const toggle = async () => {
    if (!url.value && !(await listen())) return;
    if (audio.current?.paused === false) audio.current.pause();
    else audio.current?.play().catch(() => {});
  };
  useEffect(() => {
    if (url.value) audio.current.play().catch(() => {});
  }, [url.value]);
  useEffect(() => {
    if (seek.value === null || !audio.current) return;
    audio.current.currentTime = seek.value;
    seek.value = null;
  }, [seek.value]);
  const fast = () => {
    speed.value = SPEEDS[(SPEEDS.indexOf(speed.value) + 1) % SPEEDS.length];
    if (audio.current) audio.current.playbackRate = speed.value;
  };
  return html`<div class="player" data-recording=${recording.id} data-playing=${playing.value ? 'yes' : undefined}>
    <div class="line">
      <button type="button" class="btn ico" disabled=${busy.value} aria-label=${t(playing.value ? 'rec.pause' : 'rec.play')} onClick=${toggle}>
        <${Icon} n=${playing.value ? 'pause' : 'play'} />
      </button>
      <span class="num">${mmss(at.value)} / ${long.value ? mmss(long.value) : '–'}</span>
      <span class="track">
        <input
          type="range"
          min="0"
          max=${Math.max(1, Math.ceil(long.value))}
          step="0.5"
          value=${at.value}
          disabled=${!url.value}
          aria-label=${t('rec.seek')}
          onInput=${(e) => {
            audio.current.currentTime = Number(e.currentTarget.value);
          }}
        />
        ${long.value ? marks.map((m) => html`<i key=${m.id} class=${`m-${m.kind}`} style=${{ left: `${Math.min(100, (m.at_s / long.value) * 100)}%` }} title=${clean(m.text, 80)}></i>`) : null}
      </span>
      <button type="button" class="btn s num" aria-label=${t('rec.speed')} onClick=${fast}>${speed.value}×</button>
    </div>
    ${url.value ? html`
      <audio
        ref=${audio}
        src=${url.value}
        preload="auto"
        onTimeUpdate=${(e) => { at.value = e.currentTarget.currentTime; }}
        onDurationChange=${(e) => { if (Number.isFinite(e.currentTarget.duration)) long.value = e.currentTarget.duration; }}
        onPlay=${() => { playing.value = true; }}
        onPause=${() => { playing.value = false; }}
        onError=${() => { url.value = null; playing.value = false; toast(t('rec.broken'), { bad: true }); }}
      ></audio>
      <${MarkForm} id=${id} at=${() => audio.current?.currentTime ?? 0} onAdded=${onAdded} />
    ` : html`<p class="mut">${t('rec.noted')}</p>`}
  </div>`;
}

const MarkList = ({ marks, onSeek, onGone }) => {
  const drop = async (m) => {
    const answer = await call('DELETE', `/marks/${part(m.id)}`);
    if (answer.ok || answer.status === 404) onGone(m.id);
    else toast(whyNot(answer), { bad: true });
  };
  return html`<ul class="marks num">
    ${[...marks].sort((a, b) => a.at_s - b.at_s).map((m) => html`<li key=${m.id}>
      <button type="button" class="link" onClick=${() => onSeek(m.at_s)}>${mmss(m.at_s)}</button>
      <${Tag} kind=${m.kind === 'good' ? 'good' : m.kind === 'train' ? 'warn' : ''}>${t(`rec.kind.${m.kind}`)}</${Tag}>
      <span class="cut"><${Foreign} text=${m.text} limit=${120} /></span>
      <span class="mut"><${Foreign} text=${m.by} limit=${12} /></span>
      <button type="button" class="btn s ghost ico" aria-label=${t('rec.drop')} onClick=${() => drop(m)}><${Icon} n="x" /></button>
    </li>`)}
  </ul>`;
};

/** All there is to hear of a call, and what was said about it. `Sheet` follows it with `told` as its argument. */
export function Recordings({ id, children }) {
  const told = useSignal(null);
  const seek = useSignal(null);
  useEffect(() => {
    told.value = null;
    call('GET', `/calls/${part(id)}/recordings`).then((answer) => {
      told.value = answer.ok ? answer.body : { failed: answer };
    });
  }, [id]);
  const r = told.value;
  if (!r) return null;
  if (r.failed) return r.failed.status === 403 || r.failed.status === 404 ? null : html`<p class="say">${whyNot(r.failed)}</p>`;
  const change = (marks) => {
    told.value = { ...told.value, marks };
  };
  return html`<section class="rec-box">
    <h3>
      ${t('rec.title')}
      ${r.notice ? html` <${Tag} kind="good" icon="check" title=${clean(r.notice_text, 120)}>${t('rec.notice')}</${Tag}>` : null}
    </h3>
    ${r.may_listen ? null : html`<p class="mut"><${Icon} n="hidden" /> ${clean(r.why, 120) || t('rec.noRight')}</p>`}
    ${r.may_listen && r.recordings.length === 0 ? html`<p class="mut">${t('rec.none')}</p>` : null}
    ${r.recordings.map((one) => html`<${Player} key=${one.id} id=${id} recording=${one} marks=${r.marks} seek=${seek} onAdded=${(m) => change([...told.value.marks, m])} />`)}
    ${r.marks.length ? html`<${MarkList} marks=${r.marks} onSeek=${(s) => { seek.value = s; }} onGone=${(gone) => change(told.value.marks.filter((m) => m.id !== gone))} />` : null}
    ${children?.(r)}
  </section>`;
}
