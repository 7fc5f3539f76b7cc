import { openPage } from '../ui/page.js';

openPage({ page: 'knowledge', keys: [['?', 'key.help']], Body: () => null });
