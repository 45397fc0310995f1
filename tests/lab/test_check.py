"""The final check and the interview questions."""

import re

import pytest

from sightline.lab.lessons import final_check, interview, lessons

from .conftest import OpenPage
from .test_rooms import serious, until


def test_two_questions_a_lesson_each_answered_on_its_own() -> None:
    asked = final_check().quiz
    assert [question.lesson for question in asked] == [lesson.slug for lesson in lessons() for _ in range(2)]
    assert [problem for question in asked for problem in question.problems()] == []
    known = {question.text for lesson in lessons() for question in lesson.quiz}
    assert not known & {question.text for question in asked}


def test_every_interview_question_has_an_answer() -> None:
    page = interview()
    answers = re.findall(r"<details class=\"question\"><summary>(.+?)</summary>\s*<p>(.+?)</p></details>", page.html)
    assert len(answers) == page.questions >= 40
    assert page.summary.startswith(f"{page.questions} questions")
    assert min(len(answer) for _, answer in answers) > 30


def test_a_check_to_its_score(open_page: OpenPage) -> None:
    page = open_page("course/check.html")
    questions = page.locator("fieldset")
    right = [question.right[0] for question in final_check().quiz]
    for number in range(questions.count()):
        choices = questions.nth(number).locator("input")
        if number in (0, 5):  # one of the first lesson, one of the third
            choices.nth((right[number] + 1) % choices.count()).check()
            assert "Not quite." in questions.nth(number).locator(".wrong .reply").inner_text()
        choices.nth(right[number]).check()
        assert "Right." in questions.nth(number).locator(".right .reply").inner_text()
    assert page.locator(".result [role=status]").inner_text().startswith("22 of 24 right at the first try.")
    assert page.locator(".by-lesson .missed").all_inner_texts() == ["images 1 of 2", "convolution 1 of 2"]
    page.get_by_role("link", name="Back to the course").click()
    until(page, "document.querySelector('li[data-lesson=check] .progress').textContent.startsWith('22 of 24')")


def test_interview_questions_are_found_by_a_word(open_page: OpenPage) -> None:
    page = open_page("course/interview.html")
    page.get_by_label("Find").fill("batch norm")
    visible = page.locator("details.question:visible")
    assert 1 < visible.count() < 20
    assert page.locator("#found").inner_text() == f"{visible.count()} questions"
    page.get_by_label("Find").fill("zebra crossing")
    assert page.locator("#found").inner_text() == "No question has these words."


@pytest.mark.parametrize("address", ["course/check.html", "course/interview.html"])
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (400, "dark")])
def test_they_fit_and_are_accessible(open_page: OpenPage, address: str, width: int, scheme: str) -> None:
    page = open_page(address, width=width, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []
