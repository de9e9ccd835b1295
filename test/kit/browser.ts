import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** How the system's packages call it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Longest wait for anything that a page should show. */
const WAIT_MS = 20_000;

/** The browser that `TROUPE_CHROMIUM` or the path names. */
function chromiumPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [process.env.TROUPE_CHROMIUM ?? '', ...found].find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    if (file !== '') accessSync(file, constants.X_OK);
    return file !== '';
  } catch {
    return false;
  }
}

/**
 * Why tests that need a browser cannot run here, for `test(…, { skip })`; false when they can. Where
 * `TROUPE_REQUIRE_BROWSER` is set they run all the same, and fail.
 */
export function withoutBrowser(): string | false {
  if (process.env.TROUPE_REQUIRE_BROWSER !== undefined || chromiumPath() !== undefined) return false;
  return 'no Chromium on this machine: install it (Debian: apt-get install chromium), or name one by TROUPE_CHROMIUM';
}

/** Opens a page in a headless browser, and closes both whatever `use` does. */
export async function withPage(use: (page: Page) => Promise<void>): Promise<void> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error('Cannot open a page: no Chromium is on the path');
  const browser: Browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(WAIT_MS);
    await use(page);
  } finally {
    await browser.close();
  }
}
