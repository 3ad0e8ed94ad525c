/** The table of bundles in docs/performance.md: how large each is, what is in it, and what it was before. */
import { baselineBytes, baselineCommit } from './bundle-baseline.ts';
import type { Bundle } from './bundles.ts';

const begin = '<!-- bundles -->';
const end = '<!-- /bundles -->';

/** What is in a bundle, by the column that shows it. */
const columns: Readonly<Record<string, (path: string) => boolean>> = {
  SDK: (path) => /node_modules\/@(?:aws-sdk|aws|smithy)\//.test(path),
  Zod: (path) => path.includes('node_modules/zod/'),
  Own: (path) => !path.includes('node_modules/'),
};

const kilobytes = (bytes: number) => String(Math.round(bytes / 1_000));

/** Share of a bundle's size at the commit that the table names; undefined for a function that was not there. */
export function shareOf(file: string, bytes: number): number | undefined {
  const size = baselineBytes[file];
  return size === undefined ? undefined : bytes / size;
}

/** Whether a bundle holds the client of S3, the largest one. */
export const hasS3 = ({ inputs }: Bundle): boolean =>
  Object.entries(inputs).some(
    ([path, { bytesInOutput }]) => path.includes('/@aws-sdk/client-s3/') && bytesInOutput > 0,
  );

function row(file: string, { bytes, inputs }: Bundle): string {
  const parts = Object.values(columns).map((isIn) =>
    Object.entries(inputs)
      .filter(([path]) => isIn(path))
      .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0),
  );
  const share = shareOf(file, bytes);
  const cells = [
    `\`${file.replace('functions/', '').replace('.ts', '')}\``,
    share === undefined ? '' : kilobytes(baselineBytes[file] ?? 0),
    kilobytes(bytes),
    share === undefined ? '' : `${Math.round(share * 100)}%`,
    ...parts.map(kilobytes),
  ];
  return `| ${cells.join(' | ')} |`;
}

const tableOf = (bundles: ReadonlyMap<string, Bundle>): string =>
  [
    `| Function | ${baselineCommit} | Now | Share | ${Object.keys(columns).join(' | ')} |`,
    `|---|---|---|---|${'---|'.repeat(Object.keys(columns).length)}`,
    ...[...bundles].map(([file, bundle]) => row(file, bundle)),
  ].join('\n');

/** @throws Error for a page that has no place for the table */
export function withBundleSizes(page: string, bundles: ReadonlyMap<string, Bundle>): string {
  const [head, rest] = page.split(`${begin}\n`);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`The page has no ${begin}.`);
  return `${head}${begin}\n${tableOf(bundles)}\n${end}${tail}`;
}

/** Kilobytes that a page says of each function, by its file. */
export const sizesIn = (page: string): ReadonlyMap<string, number> =>
  new Map(
    [...page.matchAll(/^\| `(\w+\/[\w-]+)` \| \d* \| (\d+) \|/gm)].map(([, name = '', size = '']) => [
      `functions/${name}.ts`,
      Number(size),
    ]),
  );
