import { start } from '../session.js';
start('plain');
