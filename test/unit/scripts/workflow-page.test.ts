import { expect, test } from '@jest/globals';
import { workflowPage } from '../../../scripts/workflow-page.ts';
import { stateMachines, stepsOf } from '../../../statemachines/machines.ts';
import { projectFile } from '../../bundle.ts';

const pages = workflowPage();

test.each(Object.keys(pages))('docs/%s is as `npm run saga` writes it', (name) => {
  expect(projectFile(`docs/${name}`)).toBe(pages[name]);
});

test.each(Object.entries(stateMachines({ iamUserTimeoutSeconds: 60 })))(
  '%s: each state is drawn',
  (key, { Definition }) => {
    const file = { provision: 'provision', addDriver: 'add-driver', deprovision: 'deprovision' }[key];
    const picture = pages[`workflow-${file}.svg`] ?? '';
    for (const name of [...Object.keys(Definition.States), ...stepsOf(Definition.States)]) {
      expect(picture).toContain(`data-name="${name}"`);
      expect(pages['workflow.md']).toContain(`| ${name} | `);
    }
  },
);
