// Log in: name, password, and the phone to take where one has none of one's own.
import { html, render, useSignal, useRef, useEffect } from '../lib.js';
import { Logo, Icon } from '../ui/marks.js';
import { t, lang, setLang } from '../i18n.js';
import { api } from '../api.js';
import { whyNot } from '../toast.js';

const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
const plain = location.protocol === 'http:' && !loopback;

const homeOf = (role) => (role === 'agent' ? '/desk' : '/board');

function Login() {
  const user = useSignal('');
  const password = useSignal('');
  const phone = useSignal('');
  const said = useSignal('');
  const busy = useSignal(false);
  const waitUntil = useSignal(0);
  const first = useRef(null);
  useEffect(() => {
    first.current.focus();
    document.title = `${t('login.title')} · ${t('name')}`;
  }, [lang.value]);

  const submit = async (event) => {
    event.preventDefault();
    if (busy.value || Date.now() < waitUntil.value) return;
    busy.value = true;
    said.value = '';
    const fields = { user: user.value.trim(), password: password.value };
    if (phone.value.trim()) fields.interface = phone.value.trim();
    const answer = await api.login(fields);
    if (answer.ok) {
      location.assign(homeOf(answer.body.me.role));
      return;
    }
    busy.value = false;
    password.value = '';
    if (answer.status === 429) waitUntil.value = Date.now() + (answer.retryAfter ?? 30) * 1000;
    said.value = answer.status === 0 ? t('err.service') : answer.status === 401 ? t('login.wrong') : whyNot(answer);
  };
  const field = (name, label, sig, extra) => html`
    <label class="lab" for=${name}>
      ${label}
    </label>
    <input
      class="field"
      id=${name}
      name=${name}
      value=${sig.value}
      onInput=${(e) => {
        sig.value = e.currentTarget.value;
      }}
      ...${extra}
    />
  `;
  return html`<main class="login">
    <form class="login-card" onSubmit=${submit} aria-label=${t('login.title')}>
      <div class="login-head">
        <${Logo} />
        <button type="button" class="btn s ghost" onClick=${() => setLang(lang.value === 'zh' ? 'en' : 'zh')}>
          <${Icon} n="globe" />
          ${lang.value === 'zh' ? 'English' : '中文'}
        </button>
      </div>
      <h1>${t('login.title')}</h1>
      <p class="sub">${t('login.say')}</p>
      ${field('user', t('login.user'), user, {
        ref: first,
        autocomplete: 'username',
        maxlength: 64,
        required: true,
        spellcheck: false,
        autocapitalize: 'off',
      })}
      ${field('password', t('login.password'), password, {
        type: 'password',
        autocomplete: 'current-password',
        maxlength: 256,
        required: true,
      })}
      ${field('interface', t('login.phone'), phone, {
        autocomplete: 'off',
        maxlength: 64,
        placeholder: t('login.phoneSay'),
        spellcheck: false,
      })}
      <p class="login-say" role="alert">
        ${said.value ? html`<span class="bad">
          <${Icon} n="alert" /> ${said.value}
        </span>` : plain ? html`<span class="warn">
          <${Icon} n="alert" /> ${t('away.plainSay')}
        </span>` : null}
      </p>
      <button type="submit" class="btn l primary wide" disabled=${busy.value}>
        ${busy.value ? t('login.busy') : t('login.go')}
      </button>
    </form>
  </main>`;
}

render(html`<${Login} />`, document.getElementById('app'));
