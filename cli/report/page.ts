/** One connection on one page that opens without a network: no script, no font, no picture from elsewhere. */

import { deprovisionSteps } from '../../src/domain/model/steps.ts';
import { stateMachines } from '../../statemachines/machines.ts';
import type { Connection, Named, TestResult } from '../connection/answers.ts';
import type { Policies } from '../connection/policies.ts';
import { type Html, html } from '../page/html.ts';
import { kindOf, referenceOf } from '../screen/connection.ts';
import { graphOf, graphPicture } from './graph.ts';
import { inOrder, signOf, stateOf, timeline } from './timeline.ts';

export interface Report {
  readonly connection: Connection;
  readonly added: readonly Connection[];
  /** Or why they could not be read. */
  readonly policies: Policies | string;
  /** Or why there is none. */
  readonly test: TestResult | string;
  readonly madeAt: number;
  readonly apiUrl: string;
}

const style = `
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --faint: #59636e; --line: #d1d9e0; --box: #f6f8fa;
  --good: #1a7f37; --bad: #cf222e; --busy: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --faint: #9198a1; --line: #3d444d;
  --box: #151b23; --good: #3fb950; --bad: #f85149; --busy: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.status { font-weight: 600; text-transform: uppercase; }
.faint, footer { color: var(--faint); }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); } th { white-space: nowrap; }
pre { background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; overflow-x: auto;
  font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
svg { display: block; width: 100%; min-width: 30rem; height: auto; font: 13px system-ui, sans-serif; fill: var(--ink); }
.scroll { overflow-x: auto; } svg .faint { fill: var(--faint); }
.succeeded, .passed, .ready, .removed { color: var(--good); } .failed, .residue { color: var(--bad); }
.running, .waiting, .retrying, .provisioning, .removing, .rolling-back { color: var(--busy); }
svg rect { fill: currentColor; } svg path { fill: none; stroke: var(--line); stroke-width: 1.5; }
.back { stroke-dasharray: 4; } .node rect { fill: var(--box); stroke: currentColor; stroke-width: 1.5; }
.node.unknown { color: var(--line); } .node.unknown text { fill: var(--faint); }
.graph svg { min-width: 0; margin: 0 auto; } .short { white-space: nowrap; }
summary { cursor: pointer; } details { margin: .5rem 0; }
`;

const known = ['provisioning', 'ready', 'rolling-back', 'failed', 'residue', 'removing', 'removed'];
const classOf = (status: string): string => (known.includes(status) ? status : 'unknown');

const time = (iso: string): Html =>
  html`<time datetime="${iso}">${iso.replace('T', ' ').slice(0, 19)} UTC</time>`;

const rows = (entries: readonly (readonly [string, Html | string | undefined])[]): Html =>
  html`<table>${entries.flatMap(([label, value]) =>
    value === undefined ? [] : [html`<tr><th scope="row">${label}</th><td>${value}</td></tr>`],
  )}</table>`;

const json = (value: unknown): Html => html`<pre>${JSON.stringify(value, undefined, 2)}</pre>`;

function resources(title: string, list: readonly (Named & { readonly origin?: string | undefined })[]): Html {
  if (list.length === 0) return html``;
  return html`<h2>${title}</h2><table>${list.map(
    (each) =>
      html`<tr><th scope="row">${kindOf(each)}</th><td>${referenceOf(each)}</td><td class="faint short">${each.origin ?? ''}</td></tr>`,
  )}</table>`;
}

function problems({ error, residue }: Connection): Html {
  const left = residue.map(
    (each) =>
      html`<tr><th scope="row">${kindOf(each)}</th><td>${referenceOf(each)}</td><td>${each.reason}</td><td>${each.advice}</td></tr>`,
  );
  return html`${
    error
      ? html`<h2 class="failed">${error.title}</h2><p>${error.step ? `${error.step}: ` : ''}${error.detail}</p>`
      : ''
  }${
    left.length > 0
      ? html`<h2 class="failed">Leftovers</h2><table><tr><th>What</th><th></th><th>Why</th><th>What to do</th></tr>${left}</table>`
      : ''
  }`;
}

function steps({ steps: all }: Connection, now: number): Html {
  if (all.length === 0) return html``;
  return html`<h2>Steps</h2><div class="scroll">${timeline(all, now)}</div>
<details><summary>As a table</summary><table><tr><th>Step</th><th>State</th><th>Began</th><th>Ended</th><th>Attempts</th></tr>${inOrder(
    all,
  ).map(
    (step) =>
      html`<tr><td>${step.name}</td><td class="${stateOf(step)}">${signOf(step)} ${step.status}</td><td>${time(step.startedAt)}</td><td>${step.endedAt ? time(step.endedAt) : ''}</td><td>${step.attempts}</td></tr>`,
  )}</table></details>`;
}

// The graph does not depend on the parameter.
const machines = stateMachines({ iamUserTimeoutSeconds: 3_600 });
const connecting = graphOf(machines.provision.Definition, () => true);
// What takes an added bucket out of the policy of its integration.
const undoing = graphOf(machines.deprovision.Definition, (name) => name !== 'RevokeAccess');

/** The workflow, each step in the colour of its state; the undo only where it began. */
function graphs({ steps: all }: Connection): Html {
  const isUndone = all.some(({ name }) => deprovisionSteps.some((step) => step === name));
  return html`<h2>Workflow</h2><div class="scroll graph">${graphPicture(connecting, all, 'The steps that connect')}</div>${
    isUndone
      ? html`<h2>Undo</h2><div class="scroll graph">${graphPicture(undoing, all, 'The steps of the undo')}</div>`
      : ''
  }`;
}

function policies(found: Policies | string): Html {
  if (typeof found === 'string') return html`<h2>Policies</h2><p class="faint">${found}</p>`;
  return html`<h2>Who may assume the role</h2>${json(found.trust)}${Object.entries(found.permissions).map(
    ([arn, document]) => html`<h2>What the role may do</h2><p class="faint">${arn}</p>${json(document)}`,
  )}<p class="faint">Permissions boundary: ${found.permissionsBoundaryArn ?? 'none'}</p>`;
}

function test(result: TestResult | string): Html {
  if (typeof result === 'string') return html`<h2>Test</h2><p class="faint">${result}</p>`;
  return html`<h2>Test: <span class="${result.status === 'passed' ? 'passed' : 'failed'}">${result.status}</span></h2>
<table>${result.checks.map(
    ({ name, status, detail }) =>
      html`<tr><th scope="row" class="${status === 'passed' || status === 'failed' ? status : 'faint'}">${name}</th><td class="short">${status}</td><td>${detail}</td></tr>`,
  )}</table>`;
}

/** @returns a whole HTML document */
export function reportPage(report: Report): string {
  const { connection, added, madeAt, apiUrl } = report;
  const { name, integrationId, status, createdAt, updatedAt, requestedBy, request, links } = connection;
  const made = new Date(madeAt).toISOString();
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${name}: ${status}</title>
<style>${{ html: style }}</style>
</head>
<body>
<header>
<h1>${name}</h1>
<p class="status ${classOf(status)}">${status}</p>
</header>
<main>
${rows([
  ['Id', integrationId],
  ['Description', request?.description],
  ['Requested by', requestedBy],
  ['Requested', time(createdAt)],
  ['Last change', time(updatedAt)],
  ['Execution', links.execution],
])}
${problems(connection)}
${resources('Resources', connection.resources)}
${resources('Kept by their owner', connection.released ?? [])}
${resources(
  'Added buckets',
  added.flatMap((each) => each.resources.filter(({ type }) => type === 'AWS::S3::Bucket')),
)}
${graphs(connection)}
${steps(connection, madeAt)}
${test(report.test)}
${policies(report.policies)}
${request ? html`<h2>Request</h2>${json(request)}` : ''}
</main>
<footer><p>Made by dataloop-connect on ${time(made)}, from ${apiUrl}.</p></footer>
</body>
</html>
`;
  return page.html;
}
