/** The picture of the saga in README.md: each step of an integration beside what undoes it. */
import {
  deprovisionSteps,
  type ForwardStepName,
  type madeBy,
  provisionSteps,
  saga,
  undoneBy,
} from '../src/domain/model/steps.ts';

/** What people call the resources. */
const names: Readonly<Record<keyof typeof madeBy, string>> = {
  bucket: 'bucket',
  policy: 'policy',
  dataloopIntegration: 'integration at Dataloop',
  role: 'role',
  access: 'access for the role',
  driver: 'driver',
  dataset: 'dataset, if the request names one',
};

const undoOf = (step: ForwardStepName) => {
  const row = saga[step];
  return 'makes' in row ? { makes: names[row.makes], undo: undoneBy[row.makes] } : undefined;
};

const steps = provisionSteps.filter((step) => step !== 'RollBack');
const undoOrder = deprovisionSteps.filter((undo) => steps.some((step) => undoOf(step)?.undo === undo));

const rowOf = (step: ForwardStepName): string => {
  const made = undoOf(step);
  return made
    ? `| ${step} | ${made.makes} | ${made.undo} | ${undoOrder.indexOf(made.undo) + 1} |\n`
    : `| ${step} | | | |\n`;
};

const table = `| Step | What it makes | Undone by | Order of undo |\n|---|---|---|---|\n${steps.map(rowOf).join('')}`;

/** @returns the page with the table between its markers. @throws Error where the page has no markers */
export function withSagaTable(page: string): string {
  const markers = /(?<=<!-- saga -->\n).*?(?=<!-- \/saga -->)/s;
  if (!markers.test(page)) throw new Error('The page has no <!-- saga --> … <!-- /saga -->.');
  return page.replace(markers, table);
}
