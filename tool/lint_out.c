// SPDX-License-Identifier: MIT
/* `weir lint` as documents: JSON (docs/json.md), and SARIF 2.1.0 (OASIS) for those who read that. */
#include "lint.h"

static json_t *json_of_finding(const struct lint_finding *f)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s}", "rule", lint_rule(f->rule)->id,
			 "severity", lint_severity_name(f->severity), "node", f->path, "property",
			 f->property, "what", f->what, "effect", f->effect, "fix", f->fix);
}

static json_t *json_of_board(const struct lint *l)
{
	json_t *array = json_array();

	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(array, json_of_finding(&l->items[i]));
	return json_pack("{s:o, s:s, s:o}", "board", json_text(l->r->board), "model", board_model(l->r),
			 "findings", array);
}

json_t *lint_json(const struct lint *lints, size_t n)
{
	json_t *array = json_array();
	json_int_t counts[3] = { 0 };

	for (size_t i = 0; i < n; i++) {
		json_array_append_new(array, json_of_board(&lints[i]));
		for (size_t j = 0; j < lints[i].n; j++)
			counts[lints[i].items[j].severity]++;
	}
	return json_pack("{s:i, s:o, s:I, s:I, s:I}", "version", 1, "boards", array, "errors",
			 counts[LINT_ERROR], "warnings", counts[LINT_WARNING], "notes",
			 counts[LINT_NOTE]);
}

/* ---- SARIF ---- */

static json_t *sarif_rules(void)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < LINT_RULES; i++) {
		const struct lint_rule *rule = lint_rule((enum lint_rule_id)i);

		json_array_append_new(array, json_pack(
			"{s:s, s:{s:s}, s:{s:s}}", "id", rule->id, "shortDescription", "text",
			rule->title, "defaultConfiguration", "level",
			lint_severity_name(rule->severity)));
	}
	return array;
}

static json_t *sarif_result(const struct lint *l, const struct lint_finding *f)
{
	char *text = lint_text("%s: %s. At boot: %s. Fix: %s.", f->path, f->what, f->effect, f->fix);
	json_t *result = json_pack(
		"{s:s, s:i, s:s, s:{s:s}, s:[{s:{s:{s:s}}, s:[{s:s, s:s}]}]}",
		"ruleId", lint_rule(f->rule)->id, "ruleIndex", (int)f->rule,
		"level", lint_severity_name(f->severity), "message", "text", text ? text : f->what,
		"locations", "physicalLocation", "artifactLocation", "uri", l->r->board,
		"logicalLocations", "fullyQualifiedName", f->path, "kind", "member");

	free(text);
	return result;
}

json_t *lint_sarif(const struct lint *lints, size_t n)
{
	json_t *results = json_array();

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < lints[i].n; j++)
			json_array_append_new(results, sarif_result(&lints[i], &lints[i].items[j]));
	return json_pack("{s:s, s:[{s:{s:{s:s, s:s, s:o}}, s:o}]}", "version", "2.1.0", "runs",
			 "tool", "driver", "name", "weir", "version", WEIR_VERSION, "rules",
			 sarif_rules(), "results", results);
}
