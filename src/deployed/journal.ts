/** The journal's table as deployed. */
import { journalTable } from '../clients/aws/journal/table.ts';
import { tableName } from '../config.ts';

export const table = journalTable(tableName());
