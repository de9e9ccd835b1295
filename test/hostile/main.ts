/**
 * `npm run hostile`: hostile code of every shape at every place, as a table; then five hundred of some at once.
 *
 *     npm run hostile                        all of it; exits with 1 if a cell ends otherwise than it should
 *     npm run hostile -- destructor          places whose names contain the word
 *     npm run hostile -- destructor catch    of them, shapes whose names contain the second one
 *
 * Every cell is a component with that code, made as an actor beside two healthy ones. It has to end with the failure that the
 * table names; whoever waits for it hears of that; the neighbours go on; no instance, waiting stack or timer stays. Last, ten thousand
 * are ended at any moment of what they do.
 */

import { judge } from './table/cell.ts';
import { runCrowd } from './table/crowd.ts';
import { killMany } from './table/kills.ts';
import { isInTime } from './table/latency.ts';
import { PLACES } from './table/places.ts';
import { SHAPES } from './table/shapes.ts';

const [rows = '', columns = ''] = process.argv.slice(2);
const places = PLACES.filter(({ name }) => name.includes(rows));
const shapes = SHAPES.filter(({ name }) => name.includes(columns));

/** Actors that are ended at any moment, and what the heap may grow by for four fifths of them. */
const LIVES = 10_000;
const SEED = 1;
const GROWN_BYTES_MAX = 8_388_608;

/** Hostile actors of one component at once. */
const CROWD = 500;

const problems: string[] = [];
let cells = 0;
console.log(`| ${'place'.padEnd(30)} | ${'shape'.padEnd(26)} | ${'ends with'.padEnd(44)} | neighbours, p99 |`);
console.log('| --- | --- | --- | --- |');
for (const place of places) {
  for (const shape of shapes) {
    const { wrong, outcome } = await judge(place, shape);
    cells++;
    for (const what of wrong) problems.push(`${place.name}, ${shape.name}: ${what}`);
    const p99 = outcome === undefined ? '' : `${outcome.latency.p99Ms.toFixed(1)} ms`;
    const ends = outcome?.end ?? 'never';
    console.log(`| ${place.name.padEnd(30)} | ${shape.name.padEnd(26)} | ${ends.padEnd(44)} | ${p99.padStart(15)} |`);
  }
}
/** Where guests fail while they are made: on another thread, and in another process. */
for (const where of ['thread', 'process'] as const) {
  for (const place of places.filter(({ bounds }) => bounds === 'start section')) {
    for (const shape of shapes.filter(({ whileMade }) => whileMade === undefined)) {
      const { wrong, outcome } = await judge(place, shape, where);
      cells++;
      const name = `${place.name}, ${where}`;
      for (const what of wrong) problems.push(`${name}, ${shape.name}: ${what}`);
      const p99 = outcome === undefined ? '' : `${outcome.latency.p99Ms.toFixed(1)} ms`;
      const ends = outcome?.end ?? 'never';
      console.log(`| ${name.padEnd(30)} | ${shape.name.padEnd(26)} | ${ends.padEnd(44)} | ${p99.padStart(15)} |`);
    }
  }
}
for (const name of ['loop: br', 'catch_all', 'waits for ever']) {
  const shape = SHAPES.find((one) => one.name === name);
  if (shape === undefined || process.argv.length > 2) continue;
  let outcome = await runCrowd(shape, CROWD);
  if (!isInTime(outcome.latency)) outcome = await runCrowd(shape, CROWD);
  const { end, left, latency } = outcome;
  if (end !== shape.end) problems.push(`${CROWD} at once, ${name}: they ended with ${end}`);
  if (left.length > 0) problems.push(`${CROWD} at once, ${name}: they left ${left.join(', ')}`);
  if (!isInTime(latency)) problems.push(`${CROWD} at once, ${name}: neighbours took ${latency.p99Ms.toFixed(1)} ms`);
  console.log(
    `| ${`${CROWD} at once`.padEnd(30)} | ${name.padEnd(26)} | ${end.padEnd(44)} | ${`${latency.p99Ms.toFixed(1)} ms`.padStart(15)} |`,
  );
}
if (process.argv.length <= 2) {
  const { lives, asked, settled, grownBytes, left } = await killMany(LIVES, SEED);
  if (settled !== asked) problems.push(`${LIVES} ends: ${asked - settled} of ${asked} asks were never settled`);
  if (grownBytes > GROWN_BYTES_MAX) problems.push(`${LIVES} ends: the heap has grown by ${grownBytes} bytes`);
  if (left.length > 0) problems.push(`${LIVES} ends: they left ${left.join(', ')}`);
  console.log(
    `${lives} actors ended at any moment: ${settled} asks settled, ${Math.round(grownBytes / 1_024)} KiB more heap`,
  );
}
for (const problem of problems) console.error(problem);
console.log(`${cells} cells, ${problems.length} of them not as they should be`);
process.exitCode = problems.length === 0 ? 0 : 1;
