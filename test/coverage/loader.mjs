// To be loaded with --import instead of tsx: modules in TypeScript are those that run.ts has compiled.

import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
