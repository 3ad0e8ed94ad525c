/** The page as one HTML document: without a network it shows the answers that are in it, else it asks for them. */
import { createHash } from 'node:crypto';
import type { Flow } from './flow.ts';
import { type Html, html } from './html.ts';
import { machines } from './machines.ts';
import { pictureOf } from './picture.ts';

export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** What the script finds in the document. */
export interface PageSettings {
  readonly apiUrl: string;
  /** Milliseconds between two looks: at what runs, and at what rests. */
  readonly pauses?: { readonly running: number; readonly resting: number };
  readonly machines: readonly {
    readonly key: string;
    readonly title: string;
    readonly comment: string;
    readonly flow: Flow;
  }[];
  /** Only of a report: when it was made, and all that it shows, by the paths under which the live page asks for it. */
  readonly report?: {
    readonly madeAt: string;
    readonly version: string;
    readonly answers: Readonly<Record<string, unknown>>;
  };
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Only this script and this style run, and a report has nobody to talk to. */
function policyOf({ script, style }: PageAssets, isReport: boolean): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    ...(isReport ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** JSON that ends no element of the document. */
const embedded = (value: unknown): Html => ({
  html: JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029'),
});

export interface PageDocument {
  readonly text: string;
  /** Content-Security-Policy, which the document itself names, too. */
  readonly policy: string;
}

export function pageDocument(
  assets: PageAssets,
  { title, ...settings }: Omit<PageSettings, 'machines'> & { readonly title: string },
): PageDocument {
  const policy = policyOf(assets, settings.report !== undefined);
  const all: PageSettings = { ...settings, machines };
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${{ html: assets.style }}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="faint">${settings.apiUrl}</p>
<p id="live" role="status"></p>
</header>
<noscript><p>This page needs JavaScript to show what it holds.</p></noscript>
<div class="columns">
<nav id="list" aria-label="Integrations"></nav>
<main id="main"></main>
</div>
${machines.map(
  ({ key, title: label, flow }) => html`<template id="machine-${key}">${pictureOf(flow, label)}</template>
`,
)}<script type="application/json" id="settings">${embedded(all)}</script>
<script type="module">${{ html: assets.script }}</script>
</body>
</html>
`;
  return { text: page.html, policy };
}
