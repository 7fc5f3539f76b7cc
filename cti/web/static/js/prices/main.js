import { openPage } from '../ui/page.js';

openPage({ page: 'prices', keys: [['?', 'key.help']], Body: () => null });
