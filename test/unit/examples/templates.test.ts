/** Templates that people copy: what docs show of them is in them, and their properties are what the API takes. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseHcl } from '@cdktn/hcl2json';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import * as z from 'zod';
import { projectRoot } from '../../../local/environment/paths.ts';
import { eventDetails, eventSource } from '../../../src/domain/api/events.ts';
import { stackResourceTypes } from '../../../src/domain/api/stack.ts';
import { projectFile } from '../../bundle.ts';

const folder = 'examples/cloudformation';
const mail = `${folder}/mail-on-failure.yml`;
const integration = `${folder}/integration.yml`;
const files = readdirSync(join(projectRoot, folder))
  .map((name) => `${folder}/${name}`)
  .filter((file) => file !== mail);
const page = projectFile('docs/infrastructure-as-code.md');

test('what the page shows of a template is in one, to the letter', () => {
  const shown = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
  expect(shown.length).toBeGreaterThan(1);
  for (const text of shown) {
    expect([text, files.some((file) => projectFile(file).includes(text))]).toEqual([text, true]);
  }
});

describe.each(files)('%s', (file) => {
  const text = projectFile(file);

  test('has resources of the types that the service makes, and is named on the page', () => {
    const types = [...text.matchAll(/^ {4}Type: (Custom::\w+)$/gm)].map(([, type]) => type);
    expect(types.length).toBeGreaterThan(0);
    expect(
      types.filter((type) => !Object.values<string | undefined>(stackResourceTypes).includes(type)),
    ).toEqual([]);
    expect(page).toContain(file);
  });

  test('takes the address of the service from its stack', () => {
    const tokens = text.match(
      /ServiceToken:\n {8}Fn::ImportValue: !Sub dataloop-cross-account-\$\{Stage\}-ServiceToken\n/g,
    );
    expect(tokens?.length).toBe(text.match(/Type: Custom::/g)?.length);
    // The name under which resources/outputs.yml exports it.
    expect(projectFile('resources/outputs.yml')).toContain(
      'Export: { Name: "\u0024{self:custom.name}-ServiceToken" }',
    );
  });
});

const named = z.record(z.string(), z.unknown());
const templateSchema = z.object({ Parameters: named, Outputs: named.default({}) });
/** References count as what they name. */
const templateOf = (file: string) => templateSchema.parse(parse(projectFile(file), { logLevel: 'silent' }));

/** As HashiCorp's own parser reads it; each block may stand several times. */
const terraformSchema = z.object({
  terraform: z.tuple([
    z.object({ required_providers: z.tuple([z.object({ aws: z.object({ source: z.string() }) })]) }),
  ]),
  variable: z.record(z.string(), z.tuple([z.object({ description: z.string(), type: z.string() })])),
  resource: z.object({
    aws_cloudformation_stack: z.record(
      z.string(),
      z.tuple([z.object({ template_body: z.string(), parameters: z.record(z.string(), z.string()) })]),
    ),
  }),
  output: z.record(z.string(), z.tuple([z.object({ value: z.string() })])),
});

test('the example for Terraform gives the template each parameter that it needs, and reads outputs that it has', async () => {
  const file = 'examples/terraform/main.tf';
  const { terraform, variable, resource, output } = terraformSchema.parse(
    await parseHcl(file, projectFile(file)),
  );
  expect(terraform[0].required_providers[0].aws.source).toBe('hashicorp/aws');
  const { Parameters, Outputs } = templateOf(integration);
  const [[name, [stack]] = ['', []], ...others] = Object.entries(resource.aws_cloudformation_stack);
  expect([others, stack?.template_body]).toEqual([
    [],
    '\u0024{file("\u0024{path.module}/../cloudformation/integration.yml")}',
  ]);
  const needed = Object.entries(Parameters).filter(
    ([, parameter]) => !Object.hasOwn(named.parse(parameter), 'Default'),
  );
  const given = Object.entries(stack?.parameters ?? {});
  expect(given.map(([parameter]) => parameter)).toEqual(
    expect.arrayContaining(needed.map(([parameter]) => parameter)),
  );
  const variables = Object.keys(variable).map((each) => `\u0024{var.${each}}`);
  for (const [parameter, value] of given) {
    expect(Object.keys(Parameters)).toContain(parameter);
    expect(variables).toContain(value);
  }
  const values = Object.values(output).map(([{ value }]) => value);
  const read = Object.keys(Outputs).map(
    (each) => `\u0024{aws_cloudformation_stack.${name}.outputs["${each}"]}`,
  );
  expect(values.length).toBeGreaterThan(0);
  expect(read).toEqual(expect.arrayContaining(values));
  // The commands of the page name variables that it has.
  const [, shown = ''] = /^(terraform apply .*)$/m.exec(page) ?? [];
  const told = [...shown.matchAll(/-var (\w+)=/g)].map(([, each = '']) => each);
  expect(told.length).toBeGreaterThan(0);
  expect(Object.keys(variable)).toEqual(expect.arrayContaining(told));
  expect(page).toContain(file);
});

/** What follows `begin` in the commands of the page, as the shell passes it on. */
const commandsOf = (begin: string) =>
  [...page.replaceAll('\\\n', ' ').matchAll(new RegExp(`^${begin} (.*)$`, 'gm'))].map(([, rest = '']) =>
    [...rest.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replaceAll(/["']/g, '')),
  );

test('the page deploys templates that are there, with each parameter that they need', () => {
  const deployed = commandsOf('aws cloudformation deploy');
  expect(deployed.length).toBeGreaterThan(1);
  const after = (words: readonly string[], flag: string) => words[words.indexOf(flag) + 1] ?? '';
  for (const words of deployed) {
    const { Parameters } = templateOf(after(words, '--template-file'));
    const given = words.slice(words.indexOf('--parameter-overrides') + 1).map((word) => word.split('=')[0]);
    const needed = Object.keys(Parameters).filter(
      (name) => !Object.hasOwn(named.parse(Parameters[name]), 'Default'),
    );
    expect(given.sort()).toEqual(needed.sort());
  }
  const names = deployed.map((words) => after(words, '--stack-name'));
  const looked = commandsOf('aws cloudformation describe-stack-events');
  expect(looked.length).toBeGreaterThan(0);
  for (const words of looked) expect(names).toContain(after(words, '--stack-name'));
});

// test/integration/side-by-side/command-line.test.ts runs them.
test.each([['python'], ['node']])('the page calls the example for %s with what it takes', (program) => {
  const [[file = '', ...given] = [], ...others] = commandsOf(`${program}(?= examples/)`);
  expect([others, existsSync(join(projectRoot, file))]).toEqual([[], true]);
  const [, taken = ''] = /Usage: \S+ ([^'"]+)['"]/.exec(projectFile(file)) ?? [];
  const optional = taken.split(' ').filter((word) => word.startsWith('['));
  expect(taken.split(' ').length - given.length).toBeLessThanOrEqual(optional.length);
  expect(given.length).toBeLessThanOrEqual(taken.split(' ').length);
});

test('the workflow of GitHub Actions deploys a template that is there, with its parameters and without keys', () => {
  const file = 'examples/github-actions/connect.yml';
  const step = z.object({ run: z.string().optional(), uses: z.string().optional(), with: named.optional() });
  const { jobs, permissions } = z
    .object({
      permissions: named,
      jobs: z.object({ connect: z.object({ steps: z.array(step) }) }),
    })
    .parse(parse(projectFile(file)));
  expect(permissions).toEqual({ 'id-token': 'write', contents: 'read' });
  const run = jobs.connect.steps.find((each) => each.run?.includes('cloudformation deploy'))?.run ?? '';
  const template = /--template-file (\S+)/.exec(run)?.[1] ?? '';
  const given = [...run.matchAll(/ (\w+)=/g)].map(([, name]) => name);
  expect(template).toBe(integration);
  const { Parameters } = templateOf(template);
  expect(given).toEqual(['Stage', 'Name', 'BucketName', 'ProjectId']);
  expect(Object.keys(Parameters)).toEqual(expect.arrayContaining(given));
  expect(projectFile(file)).not.toMatch(/secret|access-key/i);
  expect(page).toContain(file);
});

test('the rule that sends mail waits for events that the service publishes, on its bus', () => {
  const text = projectFile(mail);
  const resources = z
    .object({
      Resources: z.object({
        Rule: z.object({
          Properties: z.object({
            EventBusName: z.string(),
            EventPattern: z.object({
              source: z.tuple([z.literal(eventSource)]),
              $or: z.tuple([
                z.object({ 'detail-type': z.array(z.string()) }),
                z.object({ detail: z.object({ status: z.tuple([z.literal('residue')]) }) }),
              ]),
            }),
          }),
        }),
      }),
    })
    .parse(parse(text, { logLevel: 'silent' }));
  const { EventBusName, EventPattern } = resources.Resources.Rule.Properties;
  expect(EventBusName).toBe('dataloop-cross-account-\u0024{Stage}');
  expect(projectFile('resources/bus.yml')).toContain('Name: \u0024{self:custom.name}\n');
  for (const type of EventPattern.$or[0]['detail-type']) expect(Object.keys(eventDetails)).toContain(type);
  expect(page).toContain(mail);
});
