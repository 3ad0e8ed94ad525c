/** All commands, in the order of the help: what people do first comes first. A further one is a file and a line here. */
import type { ProgramCommand } from '../command.ts';
import { addBucket } from './add-bucket.ts';
import { completion } from './completion.ts';
import { confirmUser } from './confirm-user.ts';
import { connect } from './connect.ts';
import { disconnect } from './disconnect.ts';
import { doctor } from './doctor.ts';
import { exportResources } from './export.ts';
import { list } from './list.ts';
import { open } from './open.ts';
import { plan } from './plan.ts';
import { removeBucket } from './remove-bucket.ts';
import { report } from './report.ts';
import { status } from './status.ts';
import { test } from './test.ts';
import { watch } from './watch.ts';

export const commands: readonly ProgramCommand[] = [
  doctor,
  plan,
  connect,
  status,
  watch,
  list,
  test,
  addBucket,
  removeBucket,
  disconnect,
  confirmUser,
  open,
  report,
  exportResources,
  completion,
];
