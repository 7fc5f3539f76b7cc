// Runs before the first paint (a plain script, in the head): the theme and the language this browser chose last.
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  };
  const apply = () => {
    const chosen = read('thirteen.theme');
    root.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : dark.matches ? 'dark' : 'light';
  };
  apply();
  if (read('thirteen.lang') === 'en') root.lang = 'en';
  dark.addEventListener('change', apply);
  window.addEventListener('storage', apply);
  window.thirteenTheme = { apply, chosen: () => read('thirteen.theme') ?? 'system' };
})();
