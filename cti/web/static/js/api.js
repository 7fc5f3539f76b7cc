// The page API: /api/v1. Every answer is {ok, status, body}; a network failure has status 0. Nothing here throws.

const BASE = '/api/v1';
const TIMEOUT_MS = 10_000;

let whenLoggedOut = () => location.assign('/login');
/** What to do when the session has ended (a page with unsaved words stays). */
export const onLoggedOut = (fn) => {
  whenLoggedOut = fn;
};

/** One question of the API: `method`, `path` behind /api/v1, and a body for JSON. */
export async function call(method, path, body, { keepalive = false, file = null, wait = TIMEOUT_MS } = {}) {
  const options = { method, credentials: 'same-origin', keepalive, cache: 'no-store', headers: { Accept: 'application/json' } };
  if (method !== 'GET') {
    options.headers['X-Requested-With'] = 'thirteen';
    if (file) {
      options.headers['Content-Type'] = 'application/octet-stream';
      options.body = file;
    } else if (body !== undefined) {
      options.headers['Content-Type'] = 'application/json';
      options.body = JSON.stringify(body);
    }
  }
  if (!keepalive) options.signal = AbortSignal.timeout(wait);
  try {
    const answer = await fetch(BASE + path, options);
    const text = await answer.text();
    let parsed = null;
    try {
      parsed = text ? JSON.parse(text) : null;
    } catch {
      parsed = null;
    }
    if (answer.status === 401 && path !== '/login' && path !== '/me') whenLoggedOut();
    return {
      ok: answer.ok,
      status: answer.status,
      body: parsed,
      retryAfter: Number(answer.headers.get('Retry-After')) || null,
    };
  } catch {
    return { ok: false, status: 0, body: null, retryAfter: null };
  }
}

/** One part of a path or a query. */
export const part = encodeURIComponent;

/** `?a=1&b=2` of what is given; '' for nothing. */
export const query = (values) => {
  const given = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== '' && v !== false);
  return given.length ? `?${given.map(([k, v]) => `${part(k)}=${part(v === true ? 1 : v)}`).join('&')}` : '';
};

const FILE_MS = 600_000;
/** Send a file as it is. */
export const upload = (path, file) => call('POST', path, undefined, { file, wait: FILE_MS });

/** The sentence that came with a refusal, {text, text_en}, or null. */
export const sentence = (answer) => answer.body?.error ?? null;

export const api = {
  login: (fields) => call('POST', '/login', fields),
  logout: () => call('POST', '/logout'),
  me: () => call('GET', '/me'),
  takePhone: (name) => call('POST', '/me/phone', { interface: name }),
  language: (language) => call('POST', '/me/language', { language }),
  pause: (paused, reason) => call('POST', '/me/pause', { paused, reason }),
  calls: (before) => call('GET', `/calls?mine=1${before ? `&before=${part(before)}` : ''}`),
  dismiss: (pop) => call('POST', `/pops/${part(pop)}/dismiss`),
  choose: (pop, party) => call('POST', `/pops/${part(pop)}/choose`, { party }),
  saveNote: (id, text, version) => call('PUT', `/calls/${part(id)}/note`, { text, version }),
  saveDraft: (id, draft, { leaving = false, ...options } = {}) => call('PUT', `/calls/${part(id)}/draft${query({ leaving })}`, draft, options),
  saveFields: (party, fields, version) => call('PATCH', `/parties/${part(party)}`, { fields, version }),
  createParty: (fields, number, id) => call('POST', '/parties', { fields, number, call: id }),
  addBusiness: (party, fields) => call('POST', `/parties/${part(party)}/business`, { fields }),
  addNote: (party, text, id) => call('POST', `/parties/${part(party)}/notes`, { text, call: id }),
  search: (text) => call('GET', `/parties?q=${part(text)}`),
  refresh: (pop, section) => call('POST', `/pops/${part(pop)}/sections/${part(section)}`),
  form: (category) => call('GET', `/forms/${part(category)}`),
};
