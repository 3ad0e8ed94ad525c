import { request } from 'node:http';
import { expect, test } from '@jest/globals';
import { integration, integrationId, ok, run, step } from '../world.ts';

const self = `/integrations/${integrationId}`;
const script = {
  'GET /integrations': [ok({ items: [integration('ready')] })],
  [`GET ${self}`]: [
    ok(integration('provisioning', { steps: [step('Preflight', 'running')] })),
    ok(integration('ready', { steps: [step('Preflight', 'succeeded')] })),
  ],
};

const addressIn = (said: string): string => /^Page: (http:\S+)$/m.exec(said)?.[1] ?? '';

function get(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(address, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    })
      .on('error', reject)
      .end();
  });
}

test('watch --browser serves the page, opens it, follows to the end, and stays until Ctrl-C', async () => {
  const pages: string[] = [];
  let address = '';
  const ran = await run(['watch', integrationId, '--browser'], {
    script,
    columns: 80,
    answers: [],
    onPage: async (said) => {
      address = addressIn(said);
      pages.push(await get(address), await get(`${address.split('#')[0]}data/integrations`));
    },
  });
  expect(ran.code).toBe(0);
  expect(address).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:\\d+/[\\w-]+/#integrations/${integrationId}$`));
  // What others see of the browser's command line leads nowhere afterwards.
  const [opened = ''] = ran.opened;
  expect(new URL(opened)).toMatchObject({ host: new URL(address).host, hash: new URL(address).hash });
  expect(new URL(opened).pathname).not.toBe(new URL(address).pathname);
  expect(pages[0]).toContain('<title>dataloop-connect</title>');
  expect(JSON.parse(pages[1] ?? '')).toEqual([expect.objectContaining({ status: 'ready' })]);
  expect(ran.err).toContain('The page stays until you press Ctrl-C.');
  // It has ended with the command.
  await expect(get(address)).rejects.toThrow();
});

test('watch --browser needs no integration, and a script gets the address alone', async () => {
  const ran = await run(['watch', '--browser'], { script: { 'GET /integrations': [ok({ items: [] })] } });
  expect(ran).toMatchObject({ code: 0, opened: [], out: '' });
  expect(addressIn(ran.err)).toMatch(/\/$/);
});

test('watch without an integration says what is missing', async () => {
  const ran = await run(['watch']);
  expect(ran).toMatchObject({ code: 2, out: '' });
  expect(ran.err).toContain('Next: dataloop-connect watch --browser');
});
