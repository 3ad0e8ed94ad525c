/** The state machines as the page and docs/workflow.md show them. */
import { stateMachines } from '../../statemachines/machines.ts';
import { flowOf } from './flow.ts';

/** Neither states nor words depend on the parameter. */
const defined = stateMachines({ iamUserTimeoutSeconds: 3_600 });

const shown = [
  ['provision', 'Connect'],
  ['addDriver', 'Add a bucket'],
  ['deprovision', 'Undo'],
] as const;

export const machines = shown.map(([key, title]) => {
  const { Definition } = defined[key];
  return { key, title, comment: Definition.Comment, flow: flowOf(Definition) };
});
