// Runs before the first paint (a plain script, in the head): the theme and the language this browser chose last.
// What is remembered here are three words about looks, in cookies, because logging out clears the storage of the page.
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const read = (key) => new RegExp(`(?:^|; )thirteen_${key}=(\\w+)`).exec(document.cookie)?.[1] ?? null;
  const keep = (key, value) => {
    const age = value === null ? 0 : 31_536_000;
    document.cookie = `thirteen_${key}=${value ?? ''}; path=/; max-age=${age}; samesite=strict`;
  };
  const apply = () => {
    // A page may have a look of its own (the wall is dark), and its address another.
    const chosen = root.dataset.look ? (new URLSearchParams(location.search).get('theme') ?? root.dataset.look) : read('theme');
    root.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : dark.matches ? 'dark' : 'light';
  };
  apply();
  if (read('lang') === 'en') root.lang = 'en';
  dark.addEventListener('change', apply);
  document.addEventListener('visibilitychange', apply);
  window.thirteenLooks = { read, keep, apply };
})();
