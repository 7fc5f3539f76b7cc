import { openPage } from '../ui/page.js';

openPage({ page: 'customers', keys: [['?', 'key.help']], Body: () => null });
