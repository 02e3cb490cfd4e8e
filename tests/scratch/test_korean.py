"""Korean forms, each against the one that a grammar book gives."""

import pytest

from attnviz.scratch import korean


@pytest.mark.parametrize(
    ("noun", "ending", "written"),
    [
        *(("사과", "를", "사과를"), ("책", "를", "책을"), ("나", "는", "나는"), ("선생님", "는", "선생님은")),
        *(("민수", "에게", "민수에게"), ("버스", "로", "버스로"), ("지하철", "로", "지하철로"), ("집", "로", "집으로")),
        *(
            ("친구", "와", "친구와"),
            ("동생", "와", "동생과"),
            ("학생", "이다", "학생이다"),
            ("학생", "이에요", "학생이에요"),
        ),
        *(("의사", "이에요", "의사예요"), ("의사", "이었다", "의사였다"), ("학생", "입니다", "학생입니다")),
        *(("Anna", "는", "Anna는"), ("Kevin", "는", "Kevin은"), ("Paul", "로", "Paul로"), ("학생", "들은", "학생들은")),
    ],
)
def test_the_ending_of_a_noun_follows_from_its_last_sound(noun, ending, written):
    assert korean.noun_form(noun, ending) == written


FORMS = {  # lemma: 는다, 었다, 어요, 면, ㄴ, 습니다
    "먹다": "먹는다 먹었다 먹어요 먹으면 먹은 먹습니다",
    "가다": "간다 갔다 가요 가면 간 갑니다",
    "마시다": "마신다 마셨다 마셔요 마시면 마신 마십니다",
    "보다": "본다 봤다 봐요 보면 본 봅니다",
    "배우다": "배운다 배웠다 배워요 배우면 배운 배웁니다",
    "하다": "한다 했다 해요 하면 한 합니다",
    "만들다": "만든다 만들었다 만들어요 만들면 만든 만듭니다",
    "듣다": "듣는다 들었다 들어요 들으면 들은 듣습니다",
    "돕다": "돕는다 도왔다 도와요 도우면 도운 돕습니다",
    "짓다": "짓는다 지었다 지어요 지으면 지은 짓습니다",
    "부르다": "부른다 불렀다 불러요 부르면 부른 부릅니다",
    "모르다": "모른다 몰랐다 몰라요 모르면 모른 모릅니다",
    "쓰다": "쓴다 썼다 써요 쓰면 쓴 씁니다",
    "따르다": "따른다 따랐다 따라요 따르면 따른 따릅니다",
    "입다": "입는다 입었다 입어요 입으면 입은 입습니다",
    "되다": "된다 됐다 돼요 되면 된 됩니다",
    "쉬다": "쉰다 쉬었다 쉬어요 쉬면 쉰 쉽니다",
    "세다": "센다 셌다 세요 세면 센 셉니다",
}


@pytest.mark.parametrize(("lemma", "forms"), FORMS.items())
def test_the_forms_of_a_verb(lemma, forms):
    endings = ("는다", "었다", "어요", "면", "ㄴ", "습니다")
    assert " ".join(korean.verb_form(lemma, ending) for ending in endings) == forms


@pytest.mark.parametrize(
    ("lemma", "ending", "written"),
    [
        *(("춥다", "었다", "추웠다"), ("춥다", "ㄴ", "추운"), ("빨갛다", "ㄴ", "빨간"), ("빨갛다", "었다", "빨갰다")),
        *(("좋다", "ㄴ", "좋은"), ("예쁘다", "어요", "예뻐요"), ("바쁘다", "어서", "바빠서"), ("길다", "ㄴ", "긴")),
        *(("읽다", "시는다", "읽으신다"), ("가다", "시었다", "가셨다"), ("만들다", "시고", "만드시고")),
        *(("먹다", "ㄹ", "먹을"), ("살다", "ㄹ", "살"), ("살다", "니", "사니"), ("듣다", "세요", "들으세요")),
        *(
            ("키가 크다", "ㄴ", "키가 큰"),
            ("가다", "자", "가자"),
            ("가다", "ㅂ시다", "갑시다"),
            ("먹다", "ㅂ시다", "먹읍시다"),
        ),
        *(("먹다", "어야", "먹어야"), ("먹다", "었을", "먹었을"), ("먹다", "기", "먹기"), ("오다", "어라", "와라")),
    ],
)
def test_other_forms(lemma, ending, written):
    assert korean.verb_form(lemma, ending) == written


@pytest.mark.parametrize(
    ("lemma", "ending", "written"),
    [("주다", "었다", "주었다"), ("보다", "어요", "보아요"), ("되다", "었다", "되었다"), ("먹다", "었다", ""),
     ("가다", "었다", "")],
)  # fmt: skip
def test_some_forms_have_a_long_one_beside_them(lemma, ending, written):
    assert korean.uncontracted(lemma, ending) == written


@pytest.mark.parametrize(
    ("name", "letters"), [("지훈", "Jihun"), ("철수", "Cheolsu"), ("서울", "Seoul"), ("Tom", "Tom")]
)
def test_a_name_in_latin_letters(name, letters):
    assert korean.romanize(name) == letters


@pytest.mark.parametrize(
    ("word", "place"), [("가", 0), ("먹", 1), ("만들", korean.RIEUL), ("신", korean.NIEUN), ("좋", 27)]
)
def test_final_consonants(word, place):
    assert korean.final(word) == place
