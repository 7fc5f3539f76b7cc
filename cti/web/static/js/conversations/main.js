import { openPage } from '../ui/page.js';

openPage({ page: 'conversations', keys: [['?', 'key.help']], Body: () => null });
