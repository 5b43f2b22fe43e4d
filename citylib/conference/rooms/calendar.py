"""An invitation as an entry of a calendar (RFC 5545), in the guest's own time zone."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from citylib.city.profile import City
from citylib.conference.rooms.model import Invitation, Room
from citylib.look.words import say

USUAL = timedelta(hours=1)
"""How long a conference is taken to be that names no end."""


def entry(city: City, room: Room, invitation: Invitation, link: str) -> bytes:
    """The invitation as a file `.ics`.

    Parameters
    ----------
    city : City
        Invites.
    room : Room
        With its time; an instant one began when it was made.
    invitation : Invitation
        Names the time zone and the language; and whom, if it is for one person.
    link : str
        Where to come.
    """
    zone = ZoneInfo(invitation.timezone)
    begins = (room.begins or room.made).astimezone(zone).replace(microsecond=0)
    ends = room.ends.astimezone(zone).replace(microsecond=0) if room.ends else begins + USUAL
    name = city.area_name(city.code, invitation.language)
    event = Event()
    event.add("uid", f"{invitation.id}@{room.id}.conference")
    event.add("dtstamp", invitation.made)
    event.add("dtstart", begins)
    event.add("dtend", ends)
    event.add("summary", room.title)
    said = say(invitation.language, "conference.calendar", link=link)
    event.add("description", f"{room.agenda}\n\n{said}".strip())
    event.add("url", link)
    event.add("location", link)
    event.add("status", "CONFIRMED")
    organizer = vCalAddress("invalid:nomail")
    organizer.params["CN"] = vText(f"{name}, {room.maker}")
    event.add("organizer", organizer)
    if invitation.email:
        guest = vCalAddress(f"mailto:{invitation.email}")
        guest.params["CN"] = vText(invitation.name or invitation.email)
        guest.params["ROLE"] = vText("REQ-PARTICIPANT")
        event.add("attendee", guest)
    calendar = Calendar()
    calendar.add("prodid", "-//citylib//conference//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return calendar.to_ical()
