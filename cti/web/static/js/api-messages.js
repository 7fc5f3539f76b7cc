// The page API for text messages: the conversation of a pop, lists, templates, rules, opt-outs, statistics.
import { call, part, query } from './api.js';

/** A key that names one intent to send: the same key sent again is the same message. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('');
}

export const messages = {
  ofPop: (pop, before) => call('GET', `/pops/${part(pop)}/messages${query({ before })}`),
  preview: (pop, body) => call('POST', `/pops/${part(pop)}/messages/preview`, body),
  send: (pop, body) => call('POST', `/pops/${part(pop)}/messages`, body),
  retry: (id) => call('POST', `/messages/${part(id)}/retry`),
  incoming: (box, unread, before) => call('GET', `/messages${query({ box, unread, before })}`),
  sent: (values) => call('GET', `/messages/sent${query(values)}`),
  read: (id) => call('POST', `/messages/${part(id)}/read`),
  reply: (id, body) => call('POST', `/messages/${part(id)}/reply`, body),
  callbacks: (state) => call('GET', `/messages/callbacks${query({ state })}`),
  callbackDone: (id) => call('POST', `/messages/callbacks/${part(id)}/done`),
  templates: () => call('GET', '/messages/templates'),
  saveTemplate: (id, body) => call('PUT', `/messages/templates/${part(id)}`, body),
  dropTemplate: (id) => call('DELETE', `/messages/templates/${part(id)}`),
  previewTemplate: (body) => call('POST', '/messages/templates/preview', body),
  rules: () => call('GET', '/messages/rules'),
  saveRule: (trigger, body) => call('PUT', `/messages/rules/${part(trigger)}`, body),
  optouts: (q, before) => call('GET', `/messages/optouts${query({ q, before })}`),
  optOut: (number, scope, note) => call('POST', '/messages/optouts', { number, scope, note }),
  lift: (id, note) => call('POST', `/messages/optouts/${part(id)}/lift`, { note }),
  statistics: (from, to) => call('GET', `/messages/statistics${query({ from, to })}`),
  status: () => call('GET', '/messages/status'),
};
