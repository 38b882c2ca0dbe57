import pytest

from classifiers.gazetteer import Gazetteer
from engine.model.call import Location
from engine.model.city import City, KnownPlace
from engine.model.values import replace


@pytest.fixture(scope="module")
def places(city: City) -> Gazetteer:
    return Gazetteer(city)


def test_a_road_says_which_township(places: Gazetteer) -> None:
    place, asked = places.locate("鼓澜大道12号门口")
    assert (place.district, place.township) == ("wc", "wc-gl")
    assert place.address_key == "wc-gl:鼓澜大道12号"
    assert asked == ()


def test_a_landmark_brings_its_class(places: Gazetteer) -> None:
    place, _ = places.locate("我在钟潮小学门口")
    assert (place.place_id, place.place_class, place.community) == ("school-zhongchao", "school", "wc-gl-1")


def test_misheard_names_are_found_by_sound_with_less_certainty(places: Gazetteer) -> None:
    exact, _ = places.locate("钟潮小学")
    heard, _ = places.locate("中朝小学")
    assert heard.place_id == exact.place_id
    assert heard.certainty < exact.certainty


@pytest.mark.parametrize("text", ["楼上漏水没人管", "", "在那个大桥旁边", "12345"])
def test_an_unknown_place_is_asked_for_and_not_guessed(places: Gazetteer, text: str) -> None:
    place, asked = places.locate(text)
    assert (place.district, place.township, place.address_key, place.certainty) == ("", "", "", 0.0)
    assert [reason.code for reason in asked] == ["place_unknown"]


def test_a_district_alone_is_too_little_to_link_calls_by(places: Gazetteer) -> None:
    place, _ = places.locate("望潮区这边")
    assert place.district == "wc"
    assert place.address_key == ""


def test_names_that_contradict_each_other_leave_only_what_they_share(places: Gazetteer) -> None:
    place, asked = places.locate("旗亭坊还是鸥鹭中学")
    assert (place.district, place.township, place.place_id) == ("wc", "", "")
    assert [reason.code for reason in asked] == ["place_unclear"]


def test_coordinates_fall_into_their_ring(places: Gazetteer) -> None:
    place, _ = places.locate("楼上漏水", Location(lat=27.9062, lng=122.3125))
    assert (place.community, place.place_id, place.certainty) == ("wc-gl-1", "school-zhongchao", 1.0)


@pytest.mark.parametrize(("lat", "lng"), [(1.0, 1.0), (500.0, 0.0), (float("nan"), 122.0)])
def test_coordinates_outside_the_city_say_nothing(places: Gazetteer, lat: float, lng: float) -> None:
    place, asked = places.locate("楼上漏水", Location(lat=lat, lng=lng))
    assert place.district == ""
    assert [reason.code for reason in asked] == ["place_unknown"]


def test_a_post_is_exact(city: City) -> None:
    sign = KnownPlace("sign-1", "报警指示牌", "sign", "wc-gl-1", 27.91, 122.31, post_id="CJ-0731")
    places = Gazetteer(replace(city, places={**city.places, sign.id: sign}))
    for place, _ in (places.locate("我在cj-0731这个牌子下面"), places.locate("", Location(post_id="CJ-0731"))):
        assert (place.place_id, place.certainty) == ("sign-1", 1.0)


def test_a_city_without_places_still_reads(city: City) -> None:
    bare = Gazetteer(replace(city, areas={}, places={}))
    assert bare.locate("钟潮小学", Location(lat=27.9, lng=122.3))[0].certainty == 0.0
