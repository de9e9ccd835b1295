/**
 * Makes what a checkout needs and does not hold, because it is made of packages: the frame for programs of preview 1, and
 * the JavaScript component of the example. What is there and up to date is left alone.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildComponent } from '../src/project/index.ts';
import { buildPreview1, PREVIEW1_FRAME } from './build-preview1.ts';

const BOARD = join(import.meta.dirname, '..', 'examples/birdstrikes/board');

if (!existsSync(PREVIEW1_FRAME)) await buildPreview1();
await buildComponent(BOARD);
