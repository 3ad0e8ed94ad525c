/** docs/errors.md: each error type with title, typical detail and what to do. */
import { wrapped } from '../local/observe/wrapped.ts';
import { adviceFor } from '../src/domain/saga/residue.ts';
import { type ErrorName, errorKinds, isErrorName, problemStatus, problemType } from '../src/errors.ts';
import { errorCatalog, errorGroups } from './error-catalog.ts';
import { operations } from './openapi-document.ts';

/** Longest line of a page. */
const pageWidth = 120;
const paragraph = (text: string, prefix = ''): string => wrapped(text, pageWidth, prefix);

/** Errors that the API itself answers with. */
const answered = new Set<ErrorName>(operations.flatMap(({ errors }) => errors).concat('RouteNotFoundError'));

const names = Object.keys(errorKinds).filter(isErrorName);
/** The last part of the type, by which people call an error. */
const shortType = (name: ErrorName): string => problemType(name).split(':').at(-1) ?? '';
const statusText = (name: ErrorName): string => (answered.has(name) ? String(problemStatus(name)) : '–');

function section(name: ErrorName): string {
  const { detail, errors = [], whatToDo } = errorCatalog[name];
  return [
    `### ${shortType(name)}`,
    '',
    paragraph(`${errorKinds[name].title} (\`${name}\`, \`${problemType(name)}\`).`),
    '',
    paragraph(detail, '> '),
    ...errors.map((error) => `>\n${paragraph(`\`${error.pointer}\`: ${error.detail}`, '> ')}`),
    '',
    paragraph(`**What to do:** ${whatToDo}`),
    ...(adviceFor[name] ? ['', paragraph(`**If it left something over:** ${adviceFor[name]}`)] : []),
  ].join('\n');
}

function group(key: string, { title, intro }: { readonly title: string; readonly intro: string }): string {
  const members = names.filter((name) => errorCatalog[name].group === key);
  const rows = members.map((name) => {
    const type = shortType(name);
    const retried = errorKinds[name].retryable ? 'yes' : 'no';
    return `| [\`${type}\`](#${type}) | ${errorKinds[name].title} | ${statusText(name)} | ${retried} |`;
  });
  const head = '| type | title | API | retried |\n|---|---|---|---|';
  return [`## ${title}`, '', intro, '', head, ...rows, '', members.map(section).join('\n\n')].join('\n');
}

const introduction = [
  paragraph(
    'Look for the last part of `type`: each problem that the API answers (RFC 9457) has one, each `error` of an ' +
      'integration or driver, each finding of a plan, and each event of a failure. The quoted detail is an example; yours ' +
      'names your resources.',
  ),
  '',
  '- **API**: the HTTP status, where the API answers with this type. Others appear in `error`, `findings` or the logs.',
  '- **retried**: whether the service tries again by itself. Where the API answers with 503, send the request again.',
  '',
  paragraph(
    'After `failed` nothing is left: fix the cause and send the request again. `residue` lists leftovers: do what `advice` ' +
      'says, then send `DELETE` again. It removes only what is still ours. The most frequent leftover is a bucket with ' +
      'objects. `leftAlone` lists resources of other owners: you need to do nothing.',
  ),
  '',
  '`npm run errors-page` writes this page from the code; a test compares both.',
].join('\n');

export function errorsPage(): string {
  const groups = Object.entries(errorGroups).map(([key, value]) => group(key, value));
  return `# Errors and what to do\n\n${introduction}\n\n${groups.join('\n\n')}\n`;
}
