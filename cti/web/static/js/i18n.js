// Words of the pages. Chinese is the first language; a key that English lacks shows the Chinese one.
import { signal, effect } from './lib.js';
import zh from '../i18n/zh.js';
import en from '../i18n/en.js';

const TABLES = { zh, en };

export const lang = signal(document.documentElement.lang === 'en' ? 'en' : 'zh');

effect(() => {
  document.documentElement.lang = lang.value === 'en' ? 'en' : 'zh-CN';
});

/** The text of `key` in the chosen language, with {name} filled from `values`. */
export function t(key, values) {
  const text = TABLES[lang.value][key] ?? zh[key] ?? key;
  return values ? text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all) : text;
}

/** Whether there are words for `key` (for codes that the service may add to). */
export const has = (key) => key in zh;

/** What the service says in two languages. */
export const pick = (chinese, english) => (lang.value === 'en' && english ? english : chinese);

/** Switch, and remember it in this browser. */
export function setLang(next) {
  lang.value = next === 'en' ? 'en' : 'zh';
  window.thirteenLooks?.keep('lang', lang.value);
}
