// Starts every part of the page's behaviour. Each module is for one thing and works without the others.

import "./upsert.js";
import "./announcing.js";
import "./answering.js";
import "./artifacts.js";
import "./composer.js";
import "./connection.js";
import "./copying.js";
import "./dialogs.js";
import "./drafts.js";
import "./editing.js";
import "./errors.js";
import "./focusing.js";
import "./looks.js";
import "./menus.js";
import "./modes.js";
import "./returned.js";
import "./scrolling.js";
import "./shortcuts.js";
import "./sidebar.js";
import "./theme.js";
import "./times.js";
import "./title.js";
import "./uploads.js";
import "./worker.js";
