"""Security: every promise and the test that holds it (issue 7). A name that is no test any more fails here.

| promise | test |
|---|---|
| address, headers and body are bounded in size, on every route | test_what_is_too_large_or_ambiguous_is_a_problem_and_hung_up_on, test_no_route_takes_a_body_without_end, test_a_body_too_large |
| a request arrives whole in a time, an answer is read in a time (slow loris) | test_a_slow_loris_is_hung_up_on_however_often_it_sends, test_a_byte_a_second_is_hung_up_on_and_honest_callers_notice_nothing, test_an_answer_that_nobody_reads_is_given_up |
| connections are bounded in number, and honest callers get in beside slow ones | test_hundreds_of_slow_ones_do_not_keep_an_honest_caller_out |
| ambiguous requests (two lengths) are refused | test_what_is_too_large_or_ambiguous_is_a_problem_and_hung_up_on |
| a call centre has a rate (429, Retry-After), and one does not use up another's | test_a_call_centre_that_sends_too_much_is_told_when_to_come_again_and_the_other_one_is_not_held_up, test_whoever_cannot_sign_uses_up_nobodys_share, test_a_bucket_never_lets_more_through_than_it_says_and_never_less |
| a repeated webhook is one call; a captured one is worth nothing later | test_the_same_webhook_again_is_the_same_answer_and_no_second_call, test_a_captured_request_is_worth_nothing_five_minutes_later, test_replayed_with_another_body_and_repeated_with_the_same |
| secrets are compared in constant time, all of them | test_every_key_is_compared_with_every_signature_whichever_fits, test_every_token_is_compared_whichever_fits, test_no_loop_over_secrets_ends_early |
| no request of ours into our own network; no redirect; the judged address is the one connected to | test_no_request_into_our_own_network_unless_the_table_allows_it, test_a_redirect_is_not_followed, test_the_address_that_was_judged_is_the_one_connected_to, test_one_private_address_among_public_ones_is_enough_to_refuse |
| the open console of a demonstration is not opened by a rebound name | test_the_open_console_is_not_opened_by_a_name_that_was_pointed_at_this_machine |
| no forged log line, no second header, no other site after signing in | test_a_record_is_one_line_whatever_it_carries, test_every_line_of_the_log_is_whole_and_carries_ids_and_nobodys_data, test_signing_in_leads_nowhere_else_and_adds_no_header |
| no telephone, identity number, name or secret in any log | test_numbers_and_secrets_are_blotted_out_wherever_they_stand, test_of_an_exception_its_kind_and_places_are_told_and_its_words_only_when_they_are_ours, test_every_line_of_the_log_is_whole_and_carries_ids_and_nobodys_data |
| zip, XML, YAML, CSV and pattern bombs are refused in bounded time and memory | test_a_zip_bomb_is_not_unpacked, test_a_zip_that_lies_about_its_size_is_read_no_further_than_it_says, test_a_billion_laughs_is_refused_before_the_first_one, test_rows_that_name_their_last_cell_do_not_fill_the_memory, test_a_csv_that_grows_is_bounded, test_yaml_that_grows_or_runs_is_refused_in_bounded_time, test_a_pattern_of_a_rule_is_matched_in_linear_time |
| a template fills names and runs nothing; what is said is text on every page | test_a_template_fills_names_and_runs_nothing, test_what_a_caller_says_is_text_on_every_page_and_in_every_file |
| no path leads out of its folder: models, exports, static files | test_a_model_is_named_by_a_plain_word_and_lies_in_its_folder, test_an_export_is_named_by_nothing_that_was_asked, test_static_files_are_those_of_their_folder |
| a formula in a cell stays text | test_a_formula_stays_text, test_no_cell_of_a_csv_begins_a_formula |
| every role at every route and page, at what is its own and what is not | test_every_role_at_every_route, test_every_documented_route_is_in_the_matrix, test_what_is_another_bodys_does_not_exist_at_any_route, test_every_role_at_every_page |
| the audit trail is not filled by strangers | test_tokens_that_are_none_do_not_fill_the_audit_trail |
| no memory on disk after a crash; pictures hold pixels only | test_no_process_of_the_service_writes_its_memory_to_disk_when_it_dies, test_pictures_hold_pixels_and_nothing_else |
"""  # noqa: E501 - a table

import re

from running import ROOT


def test_every_promise_names_tests_that_exist() -> None:
    named = set(re.findall(r"\btest_\w+", __doc__ or ""))
    written = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text("utf-8"))
    }
    assert len(named) > 40
    assert named <= written, named - written
