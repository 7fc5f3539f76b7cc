// The page API for customers' affairs: knowledge, enquiries and quotes, lanes and ports, catalogue, conversations.
import { call, part, query, upload } from './api.js';

const article = (id) => `/knowledge/articles/${part(id)}`;
export const knowledge = {
  search: (q, category, kind, limit) => call('GET', `/knowledge${query({ q, category, kind, limit })}`),
  list: (values) => call('GET', `/knowledge/articles${query(values)}`),
  article: (id) => call('GET', article(id)),
  add: (draft) => call('POST', '/knowledge/articles', draft),
  save: (id, draft, version) => call('PUT', article(id), { ...draft, version }),
  retire: (id, version) => call('POST', `${article(id)}/retire`, { version }),
  restore: (id, old, version) => call('POST', `${article(id)}/restore`, { old, version }),
  used: (id) => call('POST', `${article(id)}/used`),
};

export const freight = {
  ports: (q, limit) => call('GET', `/ports${query({ q, limit })}`),
  choices: () => call('GET', '/freight'),
  lanes: (days, limit) => call('GET', `/lanes${query({ days, limit })}`),
  prices: (values) => call('GET', `/lanes/prices${query(values)}`),
};

const quotesOf = (party) => `/parties/${part(party)}/quotes`;
export const quotes = {
  totals: (containers, charges) => call('POST', '/quotes/totals', { containers, charges }),
  one: (party, id) => call('GET', `${quotesOf(party)}/${part(id)}`),
  add: (party, body) => call('POST', quotesOf(party), body),
  save: (party, id, body) => call('PUT', `${quotesOf(party)}/${part(id)}`, body),
  status: (party, id, status, note) => call('POST', `${quotesOf(party)}/${part(id)}/status`, { status, note }),
};

const party = (id) => `/parties/${part(id)}`;
export const customers = {
  profile: (id) => call('GET', party(id)),
  contacts: (id, points, version) => call('PUT', `${party(id)}/contacts`, { points, version }),
  quotes: (id) => call('GET', `${party(id)}/quotes${query({ limit: 100 })}`),
  business: (id) => call('GET', `${party(id)}/business${query({ limit: 100 })}`),
  chats: (id) => call('GET', `${party(id)}/chats${query({ limit: 100 })}`),
};

export const catalogue = {
  read: () => call('GET', '/catalogue'),
  changes: () => call('GET', `/catalogue/changes${query({ limit: 50 })}`),
  addCategory: (body) => call('POST', '/catalogue/categories', body),
  category: (key, body) => call('PATCH', `/catalogue/categories/${part(key)}`, body),
  addField: (body) => call('POST', '/catalogue/fields', body),
  field: (category, key, body) => call('PATCH', `/catalogue/fields/${category === '*' ? '%2A' : part(category)}/${part(key)}`, body),
};

export const conversations = {
  list: (linked) => call('GET', `/conversations${query({ linked, limit: 200 })}`),
  one: (id) => call('GET', `/conversations/${part(id)}`),
  link: (id, party) => call('POST', `/conversations/${part(id)}/link`, { party }),
  unlink: (id) => call('DELETE', `/conversations/${part(id)}/link`),
  upload: (file, ours, account) => upload(`/chat/imports${query({ name: file.name, ours, account })}`, file),
};
