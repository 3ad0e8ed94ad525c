/** The page in a real browser, with recorded answers from the real server. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'puppeteer-core';
import { apiOf } from '../../cli/connection/api.ts';
import { answersOf } from '../../cli/page/answers.ts';
import { pageDocument } from '../../cli/page/document.ts';
import { type PageServer, servePage } from '../../cli/page/server.ts';
import { bundlePage } from '../../scripts/command-line.ts';
import {
  added,
  answering,
  evil,
  failed,
  hostile,
  ids,
  past,
  policies,
  ready,
  residue,
  running,
  waiting,
} from '../unit/cli/page/recorded.ts';
import { startBrowser } from './chromium.ts';

const browser = await startBrowser();
/** Looks soon again: a test waits for what it sees. */
const pauses = { running: 50, resting: 50 };

if (typeof browser === 'string') {
  // Nothing is hidden: the name of the test says that nobody looked, and so does the output.
  process.stderr.write(`No browser starts on this machine, so nobody looked at the page: ${browser}\n`);
  test(`NO BROWSER starts on this machine, so the page was not looked at: ${browser}`, () => {
    expect(browser).not.toBe('');
  });
} else {
  const folder = mkdtempSync(join(tmpdir(), 'page-'));
  let list: readonly (typeof ready)[] = [];
  const complaints: string[] = [];
  let assets: Awaited<ReturnType<typeof bundlePage>>;
  let server: PageServer;
  let page: Page;

  beforeAll(async () => {
    assets = await bundlePage();
    const apiUrl = 'https://abc123.execute-api.eu-west-1.amazonaws.com';
    const api = apiOf({
      apiUrl,
      region: 'eu-west-1',
      send: answering(() => list),
      delay: async () => undefined,
      note: () => undefined,
    });
    const account = { policies: async () => policies, history: async () => past };
    server = await servePage(
      pageDocument(assets, { title: 'dataloop-connect', apiUrl, pauses }),
      answersOf(api, account),
    );
    page = await browser.newPage();
    page.setDefaultTimeout(120_000);
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => {
      const { errorText = '' } = request.failure() ?? {};
      // What was asked for when the page was left is no complaint.
      if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${errorText}`);
    });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });
  // Each test sees a page without complaints, whatever it shows.
  afterEach(() => {
    expect(complaints.splice(0)).toEqual([]);
  });

  const shows = (text: string) =>
    page.waitForFunction(
      (wanted) =>
        [...document.querySelectorAll('header, .columns')].some(({ textContent }) =>
          textContent.includes(wanted),
        ),
      {},
      text,
    );
  const stateIs = (name: string, state: string) =>
    page.waitForSelector(`g[data-name="${name}"][data-state="${state}"]`);
  const textOf = (selector: string): Promise<string> =>
    page.$eval(selector, ({ textContent }) => textContent);

  /** Opens the page anew. */
  async function open(path: string, all: typeof list, { dark = false, width = 1400 } = {}): Promise<void> {
    // The page before must not ask for what is not there any more.
    await page.goto('about:blank');
    list = all;
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]);
    await page.setViewport({ width, height: 900 });
    await page.goto(`${server.address}${path === '' ? '' : `#${path}`}`);
    await shows('Live');
  }
  const integration = (id: string) => `integrations/${id}`;
  const everything = [ready, running, waiting, failed, residue];

  describe('the page', () => {
    test('says on the first run how to begin, and shows what then appears', async () => {
      await open('', []);
      expect(await textOf('#list')).toContain('There are none.');
      await shows('dataloop-connect connect');
      await page.waitForSelector('main g[data-name="CreateRole"]');
      list = [running];
      await stateIs('CreateRole', 'running');
    });

    test('colours each state as it goes', async () => {
      await open(integration(ids.running), everything);
      await stateIs('CreateRole', 'running');
      await stateIs('CreateBucket', 'succeeded');
      await stateIs('Ready', 'idle');
      // What goes on is open by itself.
      expect(await textOf('#details')).toContain('Creates the role');
      list = [{ ...ready, integrationId: ids.running, links: running.links }];
      await stateIs('Ready', 'succeeded');
    });

    test('says what a step waits for, and until when', async () => {
      await open(integration(ids.waiting), everything);
      await stateIs('CompleteIntegration', 'retrying');
      const details = await textOf('#details');
      for (const text of ['Dataloop has not established trust', 'Next try by', 'Attempts', '3']) {
        expect(details).toContain(text);
      }
    });

    test('shows a failure with its rollback: where, why, and that nothing is left', async () => {
      await open(integration(ids.failed), everything, { dark: true });
      await stateIs('TestDriver', 'failed');
      await shows('Dataloop cannot use the bucket at TestDriver');
      await shows('Everything was undone');
      // Input and failed attempts come from the history of the execution.
      await shows('S3 AccessDenied');
      await shows('"recordId"');
      await page.click('button[data-key="tab deprovision"]');
      await stateIs('DeleteRole', 'succeeded');
      await stateIs('Done', 'succeeded');
      await stateIs('RevokeAccess', 'idle');
    });

    test('names each leftover with what to do', async () => {
      await open(integration(ids.residue), everything);
      await stateIs('DeleteBucket', 'failed');
      const summary = await textOf('#summary');
      for (const text of ['s3://dataloop-old-maps', 'still holds objects', 'keepBucket=true']) {
        expect(summary).toContain(text);
      }
    });

    test('shows both policies, and leads to an added bucket', async () => {
      await open('', everything);
      await shows('sts:AssumeRole');
      await shows('s3:ListBucket');
      await page.click(`a[href="#integrations/${ids.ready}/drivers/${added}"]`);
      await stateIs('GrantAccess', 'succeeded');
      expect(await textOf('h2')).toBe('Integrations');
      expect(await textOf('#summary')).toContain('dataloop-acme-videos');
    });

    test('can be used with the keyboard alone', async () => {
      await open(integration(ids.failed), everything);
      await stateIs('TestDriver', 'failed');
      const focused = () =>
        page.evaluate(
          () =>
            document.activeElement?.getAttribute('data-name') ??
            document.activeElement?.getAttribute('data-key') ??
            '',
        );
      const seen: string[] = [];
      // Tab reaches each integration, each tab, and the picture, which is one stop.
      while (!seen.includes('Preflight') && seen.length < 40) {
        await page.keyboard.press('Tab');
        seen.push(await focused());
      }
      expect(seen).toEqual(
        expect.arrayContaining([integration(ids.ready), 'tab provision', 'tab deprovision', 'Preflight']),
      );
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      expect(await focused()).toBe('CreateBucket');
      await page.keyboard.press('Enter');
      await page.waitForSelector('g[data-name="CreateBucket"][aria-pressed="true"]');
      expect(await textOf('#details')).toContain('CreateBucket');
      await page.keyboard.press('End');
      await page.keyboard.press('Home');
      expect(await focused()).toBe('Preflight');
      const outline = await page.$eval(
        'g[data-name="Preflight"] > rect',
        (rect) => getComputedStyle(rect).strokeWidth,
      );
      expect(outline).toBe('3.5px');
      await page.keyboard.down('Shift');
      await page.keyboard.press('Tab');
      await page.keyboard.up('Shift');
      await page.keyboard.press('Enter');
      await stateIs('DeleteRole', 'succeeded');
      // The list is drawn again when something changes; the keyboard stays where it was.
      await page.focus(`a[data-key="${integration(ids.residue)}"]`);
      list = everything.slice(1);
      await page.waitForFunction(
        (gone) => !document.querySelector(`a[data-key="${gone}"]`),
        {},
        integration(ids.ready),
      );
      expect(await focused()).toBe(integration(ids.residue));
      await page.keyboard.press('Enter');
      await shows('keepBucket=true');
    });

    test.each([
      [360, false],
      [360, true],
      [1400, true],
    ])('fits a window of %d pixels; dark: %p', async (width, dark) => {
      await open('', everything, { width, dark });
      for (const shown of everything) {
        const path = shown.links.self.slice(1);
        await page.click(`a[href="#${path}"]`);
        await page.waitForSelector(`a[href="#${path}"][aria-current]`);
        await page.waitForFunction(
          (name) => document.querySelector('h2:not(nav h2)')?.textContent.startsWith(name),
          {},
          shown.name,
        );
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect([shown.name, wide]).toEqual([shown.name, width]);
      }
      const [paper, ink] = await page.$eval('body', (body) => {
        const { backgroundColor, color } = getComputedStyle(body);
        return [backgroundColor, color];
      });
      expect([paper, ink]).toEqual(
        dark ? ['rgb(13, 17, 23)', 'rgb(230, 237, 243)'] : ['rgb(255, 255, 255)', 'rgb(31, 35, 40)'],
      );
    });

    test('shows what Dataloop or a caller wrote as text, and never as markup', async () => {
      await open(integration(ids.hostile), [hostile]);
      await stateIs('Preflight', 'retrying');
      expect(await textOf('#summary')).toContain(evil);
      expect(await textOf('#list')).toContain('<script>');
      expect(await page.title()).toBe('dataloop-connect');
      expect(await page.$$('img, body script:not([type]), iframe')).toEqual([]);
      const links = await page.$$eval('a', (all) => all.map((each) => each.protocol));
      expect(links.filter((protocol) => protocol !== 'http:')).toEqual([]);
    });

    test('keeps no credentials, and a browser refuses what is not its own', async () => {
      await open('', everything);
      const kept = await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]);
      expect(kept).toEqual(['', 0, 0]);
      const blocked = await page.evaluate(async () => {
        const script = document.createElement('script');
        script.textContent = 'document.title = "owned"';
        document.head.append(script);
        const answer = await fetch('https://example.com/').catch(() => 'refused');
        return [document.title, answer];
      });
      expect(blocked).toEqual(['dataloop-connect', 'refused']);
      // These two the browser must have refused aloud.
      expect(
        complaints.splice(0).filter((each) => /Content.Security.Policy|csp/i.test(each)).length,
      ).toBeGreaterThan(1);
    });

    test('says so when the program behind it has ended', async () => {
      const other = await servePage(
        pageDocument(assets, { title: 'other', apiUrl: 'https://api.example', pauses }),
        async (path) => (path === 'integrations' ? [] : undefined),
      );
      await page.goto(other.address);
      await shows('Live');
      await other.close();
      await shows('dataloop-connect does not answer any more');
      await page.goto('about:blank');
      complaints.splice(0);
    });
  });

  test('a report is the same page, from a file, without a network', async () => {
    const path = integration(ids.failed);
    const { text } = pageDocument(assets, {
      title: 'street-views: failed',
      apiUrl: 'https://api.example',
      report: {
        madeAt: '2026-11-28T12:00:00.000Z',
        version: '0.1.0',
        answers: {
          integrations: [{ path, name: 'street-views', status: 'failed', updatedAt: failed.updatedAt }],
          [path]: failed,
          [`${path}/policies`]: policies,
          [`${path}/history`]: { states: past },
          [`${path}/test`]: { unknown: 'It was not tested for this report.' },
        },
      },
    });
    const file = join(folder, 'report.html');
    writeFileSync(file, text);
    await page.setOfflineMode(true);
    await page.goto(`file://${file}`);
    await stateIs('TestDriver', 'failed');
    for (const each of ['As of ', 'S3 AccessDenied', 'It was not tested for this report.', 'sts:AssumeRole'])
      await shows(each);
    await page.setOfflineMode(false);
  });
}
