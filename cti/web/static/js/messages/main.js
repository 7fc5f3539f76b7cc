import { openPage } from '../ui/page.js';

openPage({ page: 'messages', keys: [['?', 'key.help']], Body: () => null });
