/** The second half of the random schedules: in a file of its own, so that two processes share them. */
import { testSchedules } from './random.ts';

testSchedules(2);
